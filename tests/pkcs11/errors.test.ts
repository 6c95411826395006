import { inspect } from "node:util";
import { afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { id, SigningKey } from "ethers";
import pkcs11js from "pkcs11js";
import { isSignerError, type SignerError } from "../../src/core/errors.ts";
import { pkcs11Error, returnValueOf } from "../../src/pkcs11/errors.ts";
import { type Pkcs11KeyOptions, Pkcs11Signer } from "../../src/pkcs11/index.ts";
import { createToken, softHsmPath } from "../support/softhsm-env.ts";

/** A shared library that is not a module. */
const addonOfNode = () => require.resolve("pkcs11js/build/Release/pkcs11.node");

const P256_PARAMS = "0x06082a8648ce3d030107";
const token = createToken("errors");
const named = { libraryPath: token.libraryPath, tokenLabel: token.label, pin: token.pin, keyLabel: "hot" };
const signers: Pkcs11Signer[] = [];

beforeAll(() => {
  token.importKey(id("hot"), { label: "hot" });
  token.importKey(id("twin 1"), { label: "twin", id: "0x21" });
  token.importKey(id("twin 2"), { label: "twin", id: "0x22" });
  token.importKey(id("mute"), { label: "mute", id: "0x31", sign: false });
  token.importKey(id("lonely"), { label: "lonely", id: "0x41", publicObject: false });
  token.generateKey({ label: "p256", id: "0x61", curve: P256_PARAMS });
});

afterEach(async () => {
  await Promise.all(signers.splice(0).map((signer) => signer.close()));
});

async function failure(options: Partial<Pkcs11KeyOptions>): Promise<SignerError> {
  const signer = new Pkcs11Signer({ ...named, ...options });
  signers.push(signer);
  const error: unknown = await signer.getAddress().catch((thrown: unknown) => thrown);
  if (!isSignerError(error)) throw new Error(`expected a SignerError, got ${inspect(error)}`);
  expect(error).toMatchObject({ backend: "pkcs11", keyId: signer.keyId, retryable: false });
  return error;
}

describe("what a user can get wrong", () => {
  test.each([
    ["/nowhere/libsofthsm2.so", "install softhsm2"],
    ["/opt/cloudhsm/lib/libcloudhsm_pkcs11.so", "cloudhsm-pkcs11"],
    ["/nowhere/libvendor.so", "install the HSM's PKCS#11 library"],
    ["libno-such-name.so", "install the HSM's PKCS#11 library"],
    [__filename, "it must be a shared library for linux"],
    [addonOfNode(), "it is not a PKCS#11 library"],
  ])("no such library: %s", async (libraryPath, cure) => {
    const error = await failure({ libraryPath });
    expect(error.code).toBe("DEPENDENCY_MISSING");
    expect(error.message).toContain(libraryPath);
    expect(error.message).toContain(cure);
  });

  test("a library that failed to load can be loaded later, and another path to a loaded one is the same module", async () => {
    await failure({ libraryPath: "/nowhere/libsofthsm2.so" });
    const signer = new Pkcs11Signer({ ...named, libraryPath: softHsmPath().replace("/libsoft", "/./libsoft") });
    signers.push(signer);
    await expect(signer.getAddress()).resolves.toMatch(/^0x/);
  });

  test("no such token: the labels that there are", async () => {
    const error = await failure({ tokenLabel: "treasure" });
    expect(error.code).toBe("KEY_NOT_FOUND");
    expect(error.message).toContain('no token labelled "treasure"');
    expect(error.message).toContain(`"${token.label}" in slot ${token.slot}`);
  });

  test.each([{ slot: 12345n }, { slotIndex: 9_999 }])("no such slot: %p", async (selector) => {
    const error = await failure({ tokenLabel: undefined, ...selector });
    expect(error.code).toBe("KEY_NOT_FOUND");
    expect(error.message).toContain(token.label);
  });

  test("a label that reads like the token's or the key's, but has other bytes: which ones", async () => {
    const composed = createToken("errors-similar");
    composed.importKey(id("cafe"), { label: "caf\u00e9" });
    const place = { tokenLabel: composed.label, pin: composed.pin };
    const { message } = await failure({ ...place, keyLabel: "cafe\u0301" });
    expect(message).toContain("has other bytes: 0x636166c3a9, not 0x63616665cc81");
    await expect(failure({ ...place, keyLabel: "Caf\u00e9 " })).resolves.toMatchObject({
      message: expect.stringContaining("has other bytes: 0x636166c3a9, not 0x436166c3a920"),
    });
    await expect(failure({ tokenLabel: composed.label.toUpperCase() })).resolves.toMatchObject({
      message: expect.stringContaining("has other bytes"),
    });
    await expect(failure({ ...place, keyLabel: "tea" })).resolves.toMatchObject({
      message: expect.not.stringContaining("other bytes"),
    });
  });

  test("several tokens and none named", async () => {
    createToken("errors-second");
    const error = await failure({ tokenLabel: undefined });
    expect(error.code).toBe("KEY_UNUSABLE");
    expect(error.message).toContain("name one by tokenLabel, slot or slotIndex");
  });

  test("no such key: the labels that there are", async () => {
    const error = await failure({ keyLabel: "cold" });
    expect(error.code).toBe("KEY_NOT_FOUND");
    expect(error.message).toContain('labelled "cold"');
    expect(error.message).toContain('"hot"');
  });

  test("the right label with another key's id", async () => {
    const error = await failure({ keyId: "0x21" });
    expect(error.code).toBe("KEY_NOT_FOUND");
    expect(error.message).toContain('labelled "hot" and with CKA_ID 0x21');
  });

  test("no PIN: private keys do not show", async () => {
    const error = await failure({ pin: undefined });
    expect(error.code).toBe("KEY_NOT_FOUND");
    expect(error.message).toContain("after a login");
  });

  test("several keys with that label: their ids", async () => {
    const error = await failure({ keyLabel: "twin" });
    expect(error.code).toBe("KEY_UNUSABLE");
    expect(error.message).toMatch(/0x21, 0x22|0x22, 0x21/);
  });

  test("wrong curve", async () => {
    const error = await failure({ keyLabel: "p256" });
    expect(error.code).toBe("KEY_UNUSABLE");
    expect(error.message).toContain(P256_PARAMS);
  });

  test("a key that is not an EC key", async () => {
    token.withSession((library, session) => {
      const named = [
        { type: pkcs11js.CKA_TOKEN, value: true },
        { type: pkcs11js.CKA_LABEL, value: "rsa" },
      ];
      const bits = { type: pkcs11js.CKA_MODULUS_BITS, value: 1024 };
      library.C_GenerateKeyPair(session, { mechanism: pkcs11js.CKM_RSA_PKCS_KEY_PAIR_GEN }, [...named, bits], named);
    });
    const error = await failure({ keyLabel: "rsa" });
    expect(error.code).toBe("KEY_UNUSABLE");
    expect(error.message).toContain('labelled "rsa" is not an EC key');
  });

  test("a key that may not sign", async () => {
    const error = await failure({ keyLabel: "mute" });
    expect(error.code).toBe("KEY_UNUSABLE");
    expect(error.message).toContain("CKA_SIGN");
  });

  test("no public key anywhere", async () => {
    const error = await failure({ keyLabel: "lonely" });
    expect(error.code).toBe("KEY_UNUSABLE");
    expect(error.message).toContain("option publicKey");
  });

  test("a public key given by the caller that is not the token's", async () => {
    const error = await failure({ publicKey: new SigningKey(id("another key")).publicKey });
    expect(error.code).toBe("KEY_UNUSABLE");
  });

  test("a public key given by the caller that is not the private key's: nothing is signed", async () => {
    const publicKey = new SigningKey(id("another key")).publicKey;
    const signer = new Pkcs11Signer({ ...named, keyLabel: "lonely", publicKey });
    signers.push(signer);
    await expect(signer.signMessage("hello")).rejects.toMatchObject({ code: "SIGNATURE_MISMATCH" });
  });

  test("public objects that contradict each other", async () => {
    token.importKey(id("torn 1"), { label: "torn", id: "0x71" });
    token.importKey(id("torn 2"), { label: "torn-2", id: "0x72", publicObject: { id: "0x71", label: "torn" } });
    const error = await failure({ keyLabel: "torn" });
    expect(error.code).toBe("KEY_UNUSABLE");
    expect(error.message).toContain("different public keys");
  });

  test("another address than the expected one", async () => {
    const signer = new Pkcs11Signer({ ...named, expectedAddress: `0x${"11".repeat(20)}` });
    signers.push(signer);
    await expect(signer.signMessage("hello")).rejects.toMatchObject({ code: "ADDRESS_MISMATCH" });
  });
});

describe("the PIN", () => {
  test("a wrong one is tried once, ever, and shows nowhere", async () => {
    let asked = 0;
    const pin = () => {
      asked += 1;
      return "planted-wrong-pin";
    };
    const signer = new Pkcs11Signer({ ...named, pin });
    signers.push(signer);
    const outcomes = await Promise.allSettled([1, 2, 3].map(() => signer.signMessage("hello")));
    const later: unknown = await signer.getAddress().catch((error: unknown) => error);
    for (const error of [...outcomes.map((outcome) => (outcome as PromiseRejectedResult).reason), later]) {
      expect(error).toMatchObject({ code: "ACCESS_DENIED", retryable: false, info: { returnValue: 160 } });
      expect(error.message).toContain("CKR_PIN_INCORRECT");
      expect(inspect(error, { depth: Infinity, showHidden: true })).not.toContain("planted-wrong-pin");
    }
    expect(asked).toBe(1);
    // The token still accepts the right one: it was not locked by repeated tries.
    const right = new Pkcs11Signer(named);
    signers.push(right);
    await expect(right.getAddress()).resolves.toMatch(/^0x/);
  });

  test("shows in no inspection of a signer, its key or their errors", async () => {
    const signer = new Pkcs11Signer({ ...named, keyLabel: "cold" });
    signers.push(signer);
    const error: unknown = await signer.getAddress().catch((thrown: unknown) => thrown);
    for (const shown of [signer, signer.connect(null), error]) {
      expect(inspect(shown, { depth: Infinity, showHidden: true })).not.toContain(token.pin);
      expect(JSON.stringify(shown)).not.toContain(token.pin);
    }
  });
});

function isReturnValue([name, value]: [string, unknown]): boolean {
  return name.startsWith("CKR_") && value !== pkcs11js.CKR_OK;
}

describe("pkcs11Error", () => {
  test.each([
    [0x30, "BACKEND_UNAVAILABLE", true],
    [0x06, "BACKEND_UNAVAILABLE", true],
    [0x68, "KEY_UNUSABLE", false],
    [0x70, "KEY_UNUSABLE", false],
    [0x82, "KEY_NOT_FOUND", false],
    [0xa4, "ACCESS_DENIED", false],
    [0xb3, "BACKEND_UNAVAILABLE", true],
    [0x101, "BACKEND_UNAVAILABLE", true],
    [0x190, "BACKEND_UNAVAILABLE", true],
    [0x80000001, "BACKEND_UNAVAILABLE", false],
  ])("return value %d is %s", (code, expected, retryable) => {
    const error = pkcs11Error(Object.assign(new Error("CKR_SOMETHING"), { code }), { operation: "C_Sign" });
    expect(error).toMatchObject({ code: expected, retryable, operation: "C_Sign", info: { returnValue: code } });
    const [name = "CKR_SOMETHING"] =
      Object.entries(pkcs11js).find((entry) => isReturnValue(entry) && entry[1] === code) ?? [];
    expect(error.message).toContain(`${name} (0x${code.toString(16)})`);
  });

  test("knows every return value of the standard, by its own name", () => {
    for (const [name, code] of Object.entries(pkcs11js).filter(isReturnValue)) {
      const { message } = pkcs11Error({ code, message: "" }, { operation: "C_Sign" });
      expect(message).toContain(`C_Sign failed with ${name} (0x`);
    }
  });

  test.each([
    ["CKR_CURVE_NOT_SUPPORTED", 0x140, "KEY_UNUSABLE", "secp256k1"],
    ["CKR_DOMAIN_PARAMS_INVALID", 0x130, "KEY_UNUSABLE", "secp256k1"],
    ["CKR_TOKEN_RESOURCE_EXCEEDED", 0x201, "BACKEND_UNAVAILABLE", "less often"],
    ["CKR_KEY_EXHAUSTED", 0x203, "KEY_UNUSABLE", "as often as it may"],
  ])("%s, which is younger than pkcs11js, has its name and its hint", (name, code, expected, hint) => {
    const error = pkcs11Error({ code, message: "CKR_VENDOR_DEFINED" }, { operation: "C_GenerateKeyPair" });
    expect(error).toMatchObject({ code: expected, message: expect.stringContaining(hint) });
    expect(error.message).toContain(name);
  });

  test.each([
    ["C_Initialize", 0x06, /could not start.*configuration.*daemon/],
    ["C_Initialize", 0x05, /could not start.*SOFTHSM2_CONF/],
    ["C_Initialize", 0x07, /libraryParameters/],
    ["C_GenerateKeyPair", 0x06, /could not make or store the key/],
    ["C_GenerateKeyPair", 0x05, /curve secp256k1/],
    ["C_Sign", 0x06, /throttles/],
    ["C_Sign", 0x05, /without saying why/],
    ["C_Sign", 0x70, /CKA_ALLOWED_MECHANISMS/],
  ])("%s that answers 0x%x has a hint of its own", (operation, code, hint) => {
    expect(pkcs11Error({ code, message: "" }, { operation }).message).toMatch(hint);
  });

  test("a return value without a name is named by its number", () => {
    const error = pkcs11Error(Object.assign(new Error(), { code: 0x80000001 }), { operation: "C_Sign" });
    expect(error.message).toContain("C_Sign failed with 0x80000001: this is a return value of the vendor's own");
  });

  test("reads the plain errors of C_FindObjects too, and says where there is no code", () => {
    expect(returnValueOf(new Error("CKR_SESSION_HANDLE_INVALID:179"))).toBe(179);
    expect(returnValueOf(new Error("another"))).toBeUndefined();
    expect(returnValueOf(undefined)).toBeUndefined();
    expect(pkcs11Error(new TypeError("bad"), { operation: "C_Sign" })).toMatchObject({
      info: undefined,
      retryable: false,
    });
  });
});
