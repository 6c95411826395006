import { afterEach, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { id, SigningKey, verifyMessage, Wallet } from "ethers";
import pkcs11js from "pkcs11js";
import { Pkcs11KeyStore, Pkcs11Signer, type Pkcs11SignerOptions } from "../../src/pkcs11/index.ts";
import { collect } from "../support/listing.ts";
import { intercept, restore, returnValue } from "../support/pkcs11-faults.ts";
import { createToken } from "../support/softhsm-env.ts";

const PRIVATE_KEY = id("a key that hides");
const { address } = new Wallet(PRIVATE_KEY);
const token = createToken("hidden");
const { libraryPath, label: tokenLabel, pin } = token;
const opened: { close(): Promise<void> }[] = [];

/** How a token may keep an attribute to itself: by one of two return values for the whole call, or by no value for it. */
type Way = "CKR_ATTRIBUTE_TYPE_INVALID" | "CKR_ATTRIBUTE_SENSITIVE" | "no value";

const WAYS: readonly Way[] = ["CKR_ATTRIBUTE_TYPE_INVALID", "CKR_ATTRIBUTE_SENSITIVE", "no value"];

interface Asked {
  readonly type: number;
}

/** Lets the token hide these attributes of all its objects. */
function hide(way: Way, ...types: number[]): void {
  intercept("C_GetAttributeValue", (call, [session, object, asked]) => {
    const template = asked as readonly Asked[];
    const shown = template.filter(({ type }) => !types.includes(type));
    if (shown.length === template.length) return call(session, object, template);
    if (way === "CKR_ATTRIBUTE_TYPE_INVALID") throw returnValue(way, 0x12);
    if (way === "CKR_ATTRIBUTE_SENSITIVE") throw returnValue(way, 0x11);
    const values = shown.length > 0 ? (call(session, object, shown) as Asked[]) : [];
    return template.map(({ type }) => values.find((value) => value.type === type) ?? { type });
  });
}

function open(change: Partial<Pkcs11SignerOptions> = {}): Pkcs11Signer {
  const signer = new Pkcs11Signer({ libraryPath, tokenLabel, pin, keyLabel: "hot", ...change });
  opened.push(signer);
  return signer;
}

beforeAll(() => {
  token.importKey(PRIVATE_KEY, { label: "hot", id: "0x01" });
  token.importKey(id("another"), { label: "another", id: "0x02" });
});

afterEach(async () => {
  restore();
  await Promise.all(opened.splice(0).map((each) => each.close()));
});

describe.each(WAYS)("a token that hides an attribute by %s", (way) => {
  test("those of its protection: the key signs without a warning, and requireNonExtractable refuses it", async () => {
    hide(way, pkcs11js.CKA_SENSITIVE, pkcs11js.CKA_EXTRACTABLE);
    const warn = jest.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    const signer = open();
    expect(verifyMessage("hello", await signer.signMessage("hello"))).toBe(address);
    expect(warn).not.toHaveBeenCalled();
    warn.mockRestore();
    const health = await signer.health();
    expect(health).toMatchObject({ ready: true });
    expect([health.key?.sensitive, health.key?.extractable]).toEqual([undefined, undefined]);
    await expect(open({ requireNonExtractable: true }).getAddress()).rejects.toMatchObject({
      code: "KEY_UNUSABLE",
      message: expect.stringContaining("the token does not show CKA_SENSITIVE and CKA_EXTRACTABLE"),
    });
  });

  test("label and id: no public object is taken for the key's, and the one that the caller gives is", async () => {
    hide(way, pkcs11js.CKA_LABEL, pkcs11js.CKA_ID);
    await expect(open().getAddress()).rejects.toMatchObject({
      code: "KEY_UNUSABLE",
      message: expect.stringContaining("the token shows no public key"),
    });
    const signer = open({ publicKey: new SigningKey(PRIVATE_KEY).publicKey });
    expect(verifyMessage("hello", await signer.signMessage("hello"))).toBe(address);
  });

  test("label and id: a store lists its keys as one name that several have", async () => {
    hide(way, pkcs11js.CKA_LABEL, pkcs11js.CKA_ID);
    const store = new Pkcs11KeyStore({ libraryPath, tokenLabel, pin });
    opened.push(store);
    const { stored, failed } = await collect(store.list());
    expect(stored).toEqual([]);
    expect(failed).toMatchObject([{ id: store.id, name: undefined, error: { code: "KEY_UNUSABLE" } }]);
  });

  test("the label alone: the id ties the pair", async () => {
    hide(way, pkcs11js.CKA_LABEL);
    await expect(open().getAddress()).resolves.toBe(address);
  });

  test("the curve and the type: the curve may be right, and a type that does not show is none", async () => {
    hide(way, pkcs11js.CKA_EC_PARAMS);
    await expect(open().getAddress()).resolves.toBe(address);
    hide(way, pkcs11js.CKA_KEY_TYPE);
    await expect(open({ keyLabel: "another" }).getAddress()).rejects.toMatchObject({
      code: "KEY_UNUSABLE",
      message: expect.stringContaining("is not an EC key"),
    });
  });
});
