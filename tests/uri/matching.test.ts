import { beforeAll, describe, expect, test } from "@jest/globals";
import { id, Wallet } from "ethers";
import { Pkcs11Signer, type Pkcs11TokenMatch } from "../../src/pkcs11/index.ts";
import type { SoftHsmToken } from "../support/softhsm.ts";
import { createToken } from "../support/softhsm-env.ts";

const PRIVATE_KEY = id("a key on a token that is matched");
const ALL: Pkcs11TokenMatch = {
  ...{ manufacturer: "SoftHSM project", model: "SoftHSM v2", libraryManufacturer: "SoftHSM", libraryVersion: "2.6" },
  ...{ libraryDescription: "Implementation of PKCS11", slotManufacturer: "SoftHSM project" },
};

let token: SoftHsmToken;
let base: { libraryPath: string; tokenLabel: string; pin: string; keyLabel: string | Uint8Array };

beforeAll(() => {
  token = createToken("match");
  token.importKey(PRIVATE_KEY, { label: "key" });
  base = { libraryPath: token.libraryPath, tokenLabel: token.label, pin: token.pin, keyLabel: "key" };
});

async function addressWith(options: object): Promise<string> {
  const signer = new Pkcs11Signer({ ...base, ...options });
  try {
    return await signer.getAddress();
  } finally {
    await signer.close();
  }
}

describe("match, what else must hold of a token", () => {
  test("all that the token, its slot and the library say, in this process and in the library's own", async () => {
    const { address } = new Wallet(PRIVATE_KEY);
    expect(await addressWith({ match: ALL })).toBe(address);
    expect(await addressWith({ match: ALL, isolation: "process", user: "match" })).toBe(address);
    expect(await addressWith({ match: { ...ALL, model: "SoftHSM v2  " } })).toBe(address);
    expect(await addressWith({ tokenLabel: undefined, match: { label: token.label } })).toBe(address);
    const both = { tokenLabel: undefined, slot: token.slot, match: { label: token.label } };
    expect(await addressWith(both)).toBe(address);
    expect(await addressWith({ keyLabel: Buffer.from("key") })).toBe(address);
  });

  test.each(Object.keys(ALL))("another %s is not found", async (name) => {
    await expect(addressWith({ match: { ...ALL, [name]: "other" } })).rejects.toMatchObject({
      ...{ code: "KEY_NOT_FOUND", message: expect.stringContaining(`${name} "other"`) },
    });
  });

  test.each<[name: string, change: object, argument: string]>([
    ["an unknown member", { match: { colour: "red" } }, "match"],
    ["a member that is not a string", { match: { model: 5 } }, "match"],
    ["the label twice", { match: { label: "t" } }, "match"],
    ["an empty label of the key", { keyLabel: new Uint8Array() }, "keyLabel"],
  ])("%s is refused", (_name, change, argument) => {
    expect(() => new Pkcs11Signer({ ...base, ...change } as never)).toThrow(
      expect.objectContaining({ code: "INVALID_ARGUMENT", argument }),
    );
  });

  test("is part of the key's id, a PKCS#11 URI", () => {
    const { keyId } = new Pkcs11Signer({
      ...base,
      tokenLabel: undefined,
      slot: 3,
      match: { label: "t", serialNumber: "1 2" },
    });
    expect(keyId).toBe("pkcs11:token=t;serial=1%202;slot-id=3;object=key");
  });
});
