import { afterEach, beforeAll, expect, test } from "@jest/globals";
import { id } from "ethers";
import { CloudHsmSigner } from "../../src/cloudhsm/index.ts";
import { type CustodyReport, isStoredKey, RemoteSigner } from "../../src/index.ts";
import { Pkcs11KeyStore, Pkcs11Signer, type Pkcs11SignerOptions } from "../../src/pkcs11/index.ts";
import { countCalls, intercept, restore, returnValue } from "../support/pkcs11-faults.ts";
import { createToken } from "../support/softhsm-env.ts";

const token = createToken("custody");
const { libraryPath, label: tokenLabel, pin } = token;
const opened: { close(): Promise<void> }[] = [];

function open(keyLabel: string, change: Partial<Pkcs11SignerOptions> = {}): Pkcs11Signer {
  const signer = new Pkcs11Signer({ libraryPath, tokenLabel, pin, keyLabel, ...change });
  opened.push(signer);
  return signer;
}

const valuesOf = ({ findings }: CustodyReport) => {
  return Object.fromEntries(findings.map(({ property, value }) => [property, value]));
};

const GENERATED = {
  ...{ hardware: false, generatedInside: true, importedMaterial: false, neverExtractable: true },
  ...{ exportable: false, replicated: "unknown" },
};

beforeAll(async () => {
  token.importKey(id("imported"), { label: "imported", id: "0x01" });
  token.importKey(id("loose"), { label: "loose", id: "0x02", extractable: true });
  const store = new Pkcs11KeyStore({ libraryPath, tokenLabel, pin });
  await store.createKey({ name: "generated" });
  await store.close();
});

afterEach(async () => {
  restore();
  await Promise.all(opened.splice(0).map((each) => each.close()));
});

test.each([undefined, "process"] as const)("what the library states of its keys, isolation %s", async (isolation) => {
  const report = await open("generated", { isolation }).custody();
  // SoftHSM2 says that it is software; its attributes are those of any HSM.
  expect(report).toMatchObject({ backend: "pkcs11", level: "claimed-software", attestation: undefined });
  expect(valuesOf(report)).toEqual(GENERATED);
  expect(report.findings.every(({ source }) => source === "attribute")).toBe(true);
  const imported = { generatedInside: false, importedMaterial: true, neverExtractable: false, exportable: false };
  expect(valuesOf(await open("imported", { isolation }).custody())).toMatchObject(imported);
  expect(valuesOf(await open("loose", { isolation }).custody())).toMatchObject({ exportable: true });
});

test("a slot that says it is hardware is a claim", async () => {
  intercept("C_GetSlotInfo", (call, args) => ({ ...(call(...args) as object), flags: 0x5 }));
  expect(await open("generated").custody()).toMatchObject({ level: "claimed-hsm" });
});

test("an attribute that the token does not know is unknown, not false", async () => {
  intercept("C_GetAttributeValue", (call, args) => {
    const asked = (args[2] as { type: number }[]).map(({ type }) => type);
    if (asked.some((type) => type === 0x163 || type === 0x164)) throw returnValue("CKR_ATTRIBUTE_TYPE_INVALID", 0x12);
    return call(...args);
  });
  const unknown = { generatedInside: "unknown", importedMaterial: "unknown", neverExtractable: "unknown" };
  expect(valuesOf(await open("generated").custody())).toEqual({ ...GENERATED, ...unknown });
});

test("requireCustody refuses before the token signs", async () => {
  const signatures = countCalls("C_SignCallback");
  const refused = open("imported", { requireCustody: { neverExtractable: true } });
  await expect(refused.signMessage("hello")).rejects.toMatchObject({
    ...{ code: "KEY_UNUSABLE", message: expect.stringContaining("CKA_NEVER_EXTRACTABLE is false") },
  });
  expect(signatures()).toBe(0);
  await open("generated", { requireCustody: { neverExtractable: true, exportable: false } }).signMessage("hello");
});

test("a store's key, and CloudHSM's preset, state the same", async () => {
  const store = new Pkcs11KeyStore({ libraryPath, tokenLabel, pin });
  opened.push(store);
  for await (const listed of store.list()) {
    if (!isStoredKey(listed) || listed.name !== "generated") continue;
    expect(valuesOf(await new RemoteSigner(listed.key).custody())).toEqual(GENERATED);
  }
  const cloudhsm = new CloudHsmSigner({ libraryPath, tokenLabel, pin, keyLabel: "generated" });
  opened.push(cloudhsm);
  const report = await cloudhsm.custody();
  expect([report.backend, valuesOf(report)]).toEqual(["cloudhsm", GENERATED]);
});
