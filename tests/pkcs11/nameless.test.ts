import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { id, verifyMessage, Wallet } from "ethers";
import { RemoteSigner } from "../../src/index.ts";
import { Pkcs11KeyStore, Pkcs11Signer } from "../../src/pkcs11/index.ts";
import { collect } from "../support/listing.ts";
import type { SoftHsmToken } from "../support/softhsm.ts";
import { createToken } from "../support/softhsm-env.ts";

const NAMES = ["no label and no id", "a label alone", "an id alone"] as const;
const opened: { close(): Promise<void> }[] = [];
let token: SoftHsmToken;

function open(): Pkcs11KeyStore {
  const { libraryPath, label: tokenLabel, pin } = token;
  const store = new Pkcs11KeyStore({ libraryPath, tokenLabel, pin });
  opened.push(store);
  return store;
}

beforeEach(() => {
  token = createToken("nameless");
  token.importKey(id(NAMES[0]), { label: "", id: "0x" });
  // Its public half has a CKA_ID, which the private one lacks.
  token.importKey(id(NAMES[1]), { label: "labelled", id: "0x", publicObject: { id: "0x33" } });
  token.importKey(id(NAMES[2]), { label: "", id: "0x07" });
});

afterEach(async () => {
  await Promise.all(opened.splice(0).map((each) => each.close()));
});

describe("keys without a label, without a CKA_ID, and without both", () => {
  test("are listed with their addresses, sign, and are found again by the name that they lack", async () => {
    const { stored, failed } = await collect(open().list());
    expect(failed).toEqual([]);
    const addresses = NAMES.map((name) => new Wallet(id(name)).address);
    expect(new Map(stored.map(({ address, name }) => [address, name]))).toEqual(
      new Map([
        [addresses[0], undefined],
        [addresses[1], "labelled"],
        [addresses[2], undefined],
      ]),
    );
    for (const message of ["at once", "in new sessions"]) {
      for (const { key, address } of stored) {
        expect(verifyMessage(message, await new RemoteSigner(key).signMessage(message))).toBe(address);
      }
      token.closeAllSessions();
    }
  });

  test("two that lack both cannot be told apart, which is said of them and ends nothing", async () => {
    token.importKey(id("another"), { label: "", id: "0x" });
    const { stored, failed } = await collect(open().list());
    expect(stored).toHaveLength(2);
    expect(failed).toMatchObject([
      {
        name: undefined,
        error: { code: "KEY_UNUSABLE", message: expect.stringContaining("without a label and a CKA_ID") },
      },
    ]);
  });

  test("an error names a key by what was asked for", async () => {
    const { libraryPath, label: tokenLabel, pin } = token;
    const signer = new Pkcs11Signer({ libraryPath, tokenLabel, pin, keyId: "0x99" });
    opened.push(signer);
    await expect(signer.getAddress()).rejects.toMatchObject({
      code: "KEY_NOT_FOUND",
      message: expect.stringContaining("no private key with CKA_ID 0x99; the private keys that it shows"),
    });
  });
});

test("an error that lists labels or ids names 16 of them, and says how many more there are", async () => {
  const { libraryPath, label: tokenLabel, pin } = token;
  for (let index = 0; index < 17; index += 1) token.importKey(id("many"), { label: "many", id: Uint8Array.of(index) });
  const ask = async (keyLabel: string): Promise<unknown> => {
    const signer = new Pkcs11Signer({ libraryPath, tokenLabel, pin, keyLabel });
    opened.push(signer);
    return signer.getAddress();
  };
  await expect(ask("absent")).rejects.toMatchObject({
    message: expect.stringMatching(/("many"|""|"labelled") and 4 more$/),
  });
  await expect(ask("many")).rejects.toMatchObject({ message: expect.stringMatching(/0x[0-9a-f]+ and 1 more$/) });
});

test("a key whose name another key has got since is refused once it must be found again, and nothing is signed", async () => {
  const store = open();
  const { stored } = await collect(store.list());
  const labelled = stored.find(({ name }) => name === "labelled");
  if (!labelled) throw new Error("the key was not listed");
  token.importKey(id("another"), { label: "labelled", id: "0x" });
  token.closeAllSessions();
  await expect(new RemoteSigner(labelled.key).signMessage("hello")).rejects.toMatchObject({
    code: "KEY_UNUSABLE",
    message: expect.stringContaining('several private keys labelled "labelled"'),
  });
});
