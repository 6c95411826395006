import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { id, SigningKey, verifyMessage, Wallet } from "ethers";
import pkcs11js from "pkcs11js";
import { Pkcs11KeyStore, Pkcs11Signer, type Pkcs11SignerOptions } from "../../src/pkcs11/index.ts";
import { collect } from "../support/listing.ts";
import { countCalls, intercept, restore, returnValue } from "../support/pkcs11-faults.ts";
import type { SoftHsmToken } from "../support/softhsm.ts";
import { createToken } from "../support/softhsm-env.ts";

const PRIVATE_KEY = id("odd keys");
const { address } = new Wallet(PRIVATE_KEY);
const opened: { close(): Promise<void> }[] = [];
let token: SoftHsmToken;

function open(change: Partial<Pkcs11SignerOptions> = {}): Pkcs11Signer {
  const { libraryPath, label: tokenLabel, pin } = token;
  const signer = new Pkcs11Signer({ libraryPath, tokenLabel, pin, keyLabel: "hot", ...change });
  opened.push(signer);
  return signer;
}

function openStore(): Pkcs11KeyStore {
  const { libraryPath, label: tokenLabel, pin } = token;
  const store = new Pkcs11KeyStore({ libraryPath, tokenLabel, pin });
  opened.push(store);
  return store;
}

beforeEach(() => {
  token = createToken("odd-keys");
});

afterEach(async () => {
  restore();
  await Promise.all(opened.splice(0).map((each) => each.close()));
});

describe("a key that is not there", () => {
  test("under its label, but with another CKA_ID: its label is not called another", async () => {
    token.importKey(PRIVATE_KEY, { label: "hot", id: "0x01" });
    const looking = open({ keyId: "0x02" }).getAddress();
    await expect(looking).rejects.toMatchObject({ code: "KEY_NOT_FOUND", message: expect.stringMatching(/ "hot"$/) });
  });

  test("but is put back while the others are listed is found", async () => {
    let searches = 0;
    intercept("C_FindObjectsInit", (call, args) => {
      searches += 1;
      if (searches === 2) token.importKey(PRIVATE_KEY, { label: "hot" });
      return call(...args);
    });
    await expect(open().getAddress()).resolves.toBe(address);
  });
});

describe("a key that asks for the PIN at each signature (CKA_ALWAYS_AUTHENTICATE)", () => {
  beforeEach(() => token.importKey(PRIVATE_KEY, { label: "hot", alwaysAuthenticate: true }));

  test("signs, any number of times and at once", async () => {
    const signer = open();
    const messages = Array.from({ length: 10 }, (_, index) => `message ${index}`);
    const signatures = await Promise.all(messages.map((message) => signer.signMessage(message)));
    expect(new Set(signatures.map((signature, index) => verifyMessage(messages[index] ?? "", signature)))).toEqual(
      new Set([address]),
    );
    await expect(signer.health()).resolves.toMatchObject({ ready: true });
  });

  test("on a module without such a login: KEY_UNUSABLE, which names the attribute, and no second attempt", async () => {
    const signer = open();
    await signer.getAddress();
    let attempts = 0;
    intercept("C_Login", (call, args) => {
      if (args[1] !== 2) return call(...args);
      attempts += 1;
      throw returnValue("CKR_USER_TYPE_INVALID", 0x103);
    });
    await expect(signer.signMessage("hello")).rejects.toMatchObject({
      code: "KEY_UNUSABLE",
      message: expect.stringContaining("CKA_ALWAYS_AUTHENTICATE"),
    });
    expect(attempts).toBe(1);
  });

  test("whose PIN is refused there: it is not tried again", async () => {
    const signer = open();
    await signer.getAddress();
    const logins = countCalls("C_Login");
    let attempts = 0;
    intercept("C_Login", (call, args) => {
      if (args[1] !== 2) return call(...args);
      attempts += 1;
      throw returnValue("CKR_PIN_INCORRECT", 0xa0);
    });
    for (let index = 0; index < 3; index += 1) {
      await expect(signer.signMessage("hello")).rejects.toMatchObject({ code: "ACCESS_DENIED" });
    }
    expect([attempts, logins()]).toEqual([1, 0]);
  });
});

const FIELD = "302c06072a8648ce3d0101022100fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f";
const CURVE =
  "3044042000000000000000000000000000000000000000000000000000000000000000000420000000000000000000000000000000000000000000000000" +
  "0000000000000007";
const GX = "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
const GY = "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8";
const ORDER = "022100fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";

describe("a curve that is given by its parameters", () => {
  // As `openssl ecparam -name secp256k1 -param_enc explicit` writes them, and as others do.
  test.each([
    ["openssl's", `0x3081e0020101${FIELD}${CURVE}044104${GX}${GY}${ORDER}020101`],
    ["with a compressed generator", `0x3081c0020101${FIELD}${CURVE}042102${GX}${ORDER}020101`],
    ["without the cofactor", `0x3081dd020101${FIELD}${CURVE}044104${GX}${GY}${ORDER}`],
    ["with short coefficients", `0x3081a2020101${FIELD}3006040100040107044104${GX}${GY}${ORDER}020101`],
  ])("is accepted if they are secp256k1's: %s", async (_name, curve) => {
    token.importKey(PRIVATE_KEY, { label: "hot", curve });
    expect(verifyMessage("hello", await open().signMessage("hello"))).toBe(address);
    expect((await collect(openStore().list())).stored).toMatchObject([{ address }]);
  });

  test.each([
    ["another generator", `0x3081e0020101${FIELD}${CURVE}044104${GX}${GY.replace("4", "5")}${ORDER}020101`],
    ["another coefficient", `0x3081e0020101${FIELD}${CURVE.replace(/07$/, "08")}044104${GX}${GY}${ORDER}020101`],
    ["bytes after it", `0x3081e0020101${FIELD}${CURVE}044104${GX}${GY}${ORDER}02010100`],
  ])("is refused otherwise: %s", async (_name, curve) => {
    token.importKey(PRIVATE_KEY, { label: "hot", curve, publicObject: false });
    await expect(open({ publicKey: new SigningKey(PRIVATE_KEY).publicKey }).getAddress()).rejects.toMatchObject({
      code: "KEY_UNUSABLE",
    });
  });
});

describe("CKA_EC_POINT", () => {
  const { publicKey, compressedPublicKey } = new SigningKey(PRIVATE_KEY);
  const point = (value: string) => {
    intercept("C_GetAttributeValue", (call, args) => {
      const read = call(...args) as { type: number; value: unknown }[];
      for (const attribute of read) {
        if (attribute.type === pkcs11js.CKA_EC_POINT) attribute.value = Buffer.from(value.slice(2), "hex");
      }
      return read;
    });
  };

  beforeEach(() => token.importKey(PRIVATE_KEY, { label: "hot" }));

  test.each([
    ["a BIT STRING", `0x034200${publicKey.slice(2)}`],
    ["a BIT STRING of a compressed point", `0x032200${compressedPublicKey.slice(2)}`],
    ["an OCTET STRING of a compressed point", `0x0421${compressedPublicKey.slice(2)}`],
    ["the point itself", publicKey],
  ])("as %s is read", async (_name, value) => {
    point(value);
    await expect(open().getAddress()).resolves.toBe(address);
  });

  test("in no form that is known: the message names the key and the attribute; the option publicKey suffices", async () => {
    point(`0x0440${publicKey.slice(4)}`);
    await expect(open().getAddress()).rejects.toMatchObject({
      code: "BACKEND_RESPONSE_INVALID",
      message: expect.stringMatching(/^CKA_EC_POINT of the key labelled "hot" .*publicKey$/),
    });
    expect(verifyMessage("hello", await open({ publicKey }).signMessage("hello"))).toBe(address);
  });
});
