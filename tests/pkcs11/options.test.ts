import { inspect } from "node:util";
import { describe, expect, test } from "@jest/globals";
import { CloudHsmSigner } from "../../src/cloudhsm/index.ts";
import { Pkcs11Signer } from "../../src/pkcs11/index.ts";
import { checkToken } from "../../src/pkcs11/options.ts";
import { createToken } from "../support/softhsm-env.ts";

const good = { libraryPath: "/lib.so", tokenLabel: "t", pin: "planted-pin", keyLabel: "k" };

function argumentOf(construct: () => unknown): unknown {
  try {
    construct();
  } catch (error) {
    expect(inspect(error)).not.toContain("planted");
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT" });
    return (error as { argument: unknown }).argument;
  }
  return "accepted";
}

describe("Pkcs11Signer's options", () => {
  test.each<[string, Record<string, unknown>, string]>([
    ["all right", {}, "accepted"],
    ["no token named", { tokenLabel: undefined }, "accepted"],
    ["no library", { libraryPath: undefined }, "libraryPath"],
    ["an empty library", { libraryPath: "" }, "libraryPath"],
    ["two selectors of the token", { slot: 1 }, "tokenLabel"],
    ["a label that is not a string", { tokenLabel: 5 }, "tokenLabel"],
    ["a negative slot", { tokenLabel: undefined, slot: -1n }, "slot"],
    ["a slot beyond exact numbers", { tokenLabel: undefined, slot: 2 ** 61 }, "slot"],
    ["a 64-bit slot", { tokenLabel: undefined, slot: 0x2000000000000001n }, "accepted"],
    ["a fractional slotIndex", { tokenLabel: undefined, slotIndex: 0.5 }, "slotIndex"],
    ["a PIN that is not a string", { pin: { planted: 1 } }, "pin"],
    ["an empty PIN", { pin: "" }, "pin"],
    ["no key", { keyLabel: undefined }, "keyLabel"],
    ["a key id alone", { keyLabel: undefined, keyId: "0x01" }, "accepted"],
    ["a key id without 0x", { keyId: "01" }, "keyId"],
    ["an empty key id", { keyId: "0x" }, "keyId"],
    ["a public key that is no bytes", { publicKey: 5 }, "publicKey"],
    ["a timeout of 0", { timeout: 0 }, "timeout"],
    ["a timeout beyond timers", { timeout: 2 ** 31 }, "timeout"],
    ["an address with a wrong checksum", { expectedAddress: "0x2C7536E3605D9C16a7a3D7b1898e529396a65c23" }, "address"],
  ])("%s", (_name, change, argument) => {
    expect(argumentOf(() => new Pkcs11Signer({ ...good, ...change } as never))).toBe(argument);
  });

  test("a public key off the curve is refused", () => {
    expect(() => new Pkcs11Signer({ ...good, publicKey: "0x0400" })).toThrow(/SEC1/);
  });

  test("a PIN function that gives no text is refused when it is asked", async () => {
    const { libraryPath, label: tokenLabel } = createToken("options");
    const signer = new Pkcs11Signer({ ...good, libraryPath, tokenLabel, pin: () => "" });
    await expect(signer.getAddress()).rejects.toMatchObject({ code: "INVALID_ARGUMENT", argument: "pin" });
    await signer.close();
  });
});

describe("the token's own options", () => {
  const { libraryPath } = good;

  test("a match that asks for nothing is none", () => {
    for (const match of [{}, { model: undefined }]) {
      expect(checkToken({ libraryPath, match }).token.match).toBeUndefined();
    }
    expect(checkToken({ libraryPath, match: { label: undefined, model: "m" } }).token.match).toEqual({ model: "m" });
  });

  test.each([
    [undefined, 3],
    ["8", 7],
    ["1", 1],
    ["100000", 1_024],
    ["many", 3],
  ])("with UV_THREADPOOL_SIZE %p there are %d sessions", (threads, sessions) => {
    const before = process.env["UV_THREADPOOL_SIZE"];
    try {
      if (threads === undefined) delete process.env["UV_THREADPOOL_SIZE"];
      else process.env["UV_THREADPOOL_SIZE"] = threads;
      expect(checkToken({ libraryPath }).sessions).toBe(sessions);
      expect(checkToken({ libraryPath, isolation: "process" }).sessions).toBe(8);
    } finally {
      if (before === undefined) delete process.env["UV_THREADPOOL_SIZE"];
      else process.env["UV_THREADPOOL_SIZE"] = before;
    }
  });
});

describe("keyId of a signer, a PKCS#11 URI", () => {
  test.each<[Record<string, unknown>, string]>([
    [{}, "pkcs11:token=t;object=k"],
    [{ tokenLabel: undefined }, "pkcs11:object=k"],
    [{ tokenLabel: "a b;c/é" }, "pkcs11:token=a%20b%3Bc%2F%C3%A9;object=k"],
    [{ tokenLabel: undefined, slot: 0x2000000000000001n }, "pkcs11:slot-id=2305843009213693953;object=k"],
    [{ tokenLabel: undefined, slotIndex: 0, keyId: "0x0aff" }, "pkcs11:x-slot-index=0;object=k;id=%0A%FF"],
  ])("%p", (change, uri) => {
    expect(new Pkcs11Signer({ ...good, ...change } as never).keyId).toBe(uri);
  });
});

describe("CloudHsmSigner's options", () => {
  const cloud = { user: "crypto-user", password: "planted-password", keyLabel: "k" };

  test.each<[string, Record<string, unknown>, string]>([
    ["user and password", {}, "accepted"],
    ["a password function", { password: () => "planted" }, "accepted"],
    ["a PIN instead", { user: undefined, password: undefined, pin: "u:planted" }, "accepted"],
    ["both", { pin: "u:planted" }, "user"],
    ["neither", { user: undefined, password: undefined }, "user"],
    ["a user alone", { password: undefined }, "password"],
    ["a password alone", { user: undefined }, "user"],
    ["a colon in the user", { user: "a:b" }, "user"],
    ["an empty password", { password: "" }, "password"],
    ["no key", { keyLabel: undefined }, "keyLabel"],
  ])("%s", (_name, change, argument) => {
    expect(argumentOf(() => new CloudHsmSigner({ ...cloud, ...change } as never))).toBe(argument);
  });

  test("by default the library is AWS's, and its absence names AWS's package", async () => {
    const signer = new CloudHsmSigner(cloud);
    expect(signer.backend).toBe("cloudhsm");
    await expect(signer.getAddress()).rejects.toMatchObject({
      code: "DEPENDENCY_MISSING",
      backend: "cloudhsm",
      message: expect.stringMatching(/\/opt\/cloudhsm\/lib\/libcloudhsm_pkcs11\.so.*cloudhsm-pkcs11/),
    });
    await signer.close();
  });
});
