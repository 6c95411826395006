import { randomBytes } from "node:crypto";
import { inspect } from "node:util";
import { afterAll, afterEach, describe, expect, test } from "@jest/globals";
import { getBytes, hexlify, id, verifyMessage, Wallet } from "ethers";
import pkcs11js from "pkcs11js";
import { RemoteSigner } from "../../src/index.ts";
import { Pkcs11KeyStore } from "../../src/pkcs11/index.ts";
import { collect } from "../support/listing.ts";
import { countCalls, type Interceptor, intercept, restore, returnValue } from "../support/pkcs11-faults.ts";
import { createToken } from "../support/softhsm-env.ts";
import { countSecretKeys, objectsNamed, privateAttributes } from "../support/softhsm-objects.ts";

const token = createToken("store-import");
const { libraryPath, label: tokenLabel, pin } = token;
const store = new Pkcs11KeyStore({ libraryPath, tokenLabel, pin });

// A token that takes no private key in the clear, as HSMs in FIPS mode.
const refusePlainKeys: Interceptor = (call, args) => {
  const [, template] = args as [Buffer, { type: number; value?: unknown }[]];
  const [keyClass] = template.filter(({ type }) => type === pkcs11js.CKA_CLASS);
  if (keyClass?.value === pkcs11js.CKO_PRIVATE_KEY) throw returnValue("CKR_TEMPLATE_INCONSISTENT", 0xd1);
  return call(...args);
};

afterEach(() => {
  restore();
});

afterAll(() => store.close());

describe.each<[string, boolean]>([
  ["C_CreateObject", false],
  ["C_UnwrapKey, where the token refuses the other", true],
])("import by %s", (_name, wrapped) => {
  const prefix = wrapped ? "wrapped" : "plain";

  test("ten random private keys arrive at ethers' addresses, and sign", async () => {
    if (wrapped) intercept("C_CreateObject", refusePlainKeys);
    const unwrapped = countCalls("C_UnwrapKeyCallback");
    for (let index = 0; index < 10; index += 1) {
      const privateKey = new Uint8Array(randomBytes(32));
      const wallet = new Wallet(hexlify(privateKey));
      const label = `${prefix}-${index}`;
      const stored = await store.importKey(privateKey, { name: label, expectedAddress: wallet.address });
      expect([stored.name, stored.address]).toEqual([label, wallet.address]);
      const signer = new RemoteSigner(stored.key, null, { expectedAddress: wallet.address });
      expect(verifyMessage("hello", await signer.signMessage("hello"))).toBe(wallet.address);
      expect(hexlify(privateKey)).toBe(wallet.privateKey);
    }
    expect(unwrapped()).toBe(wrapped ? 10 : 0);
    const listed = await collect(store.list());
    expect(listed.stored.filter(({ name }) => name?.startsWith(prefix))).toHaveLength(10);
    // Nothing but the two halves of each is left on the token: no wrapping key.
    expect([objectsNamed(token, `${prefix}-0`).length, countSecretKeys(token)]).toEqual([2, 0]);
  });

  test("the private half is sensitive, not extractable, and may only sign", async () => {
    if (wrapped) intercept("C_CreateObject", refusePlainKeys);
    await store.importKey(id(prefix), { name: prefix, id: wrapped ? "0x0b" : "0x0a" });
    expect(privateAttributes(token, prefix)).toEqual({
      TOKEN: true,
      PRIVATE: true,
      SENSITIVE: true,
      EXTRACTABLE: false,
      SIGN: true,
      DECRYPT: false,
      UNWRAP: false,
      DERIVE: false,
    });
  });
});

describe("an import that fails leaves nothing behind", () => {
  test.each([
    "0x",
    "0x01",
    `0x${"00".repeat(32)}`,
    "0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141",
    `0x${"5e".repeat(33)}`,
    "5e".repeat(32),
    "planted",
    { planted: "5e".repeat(32) },
  ])("no private key: %p", async (privateKey) => {
    const error: unknown = await store
      .importKey(privateKey as string, { name: "bad" })
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT", argument: "privateKey" });
    expect(inspect(error, { depth: Infinity, showHidden: true })).not.toMatch(/5e5e|planted|fffffffe/);
    expect(objectsNamed(token, "bad")).toEqual([]);
  });

  test("another address than the expected one", async () => {
    const expectedAddress = new Wallet(id("another key")).address;
    await expect(store.importKey(id("mine"), { name: "mismatch", expectedAddress })).rejects.toMatchObject({
      code: "ADDRESS_MISMATCH",
      backend: "pkcs11",
      info: { expected: expectedAddress, actual: new Wallet(id("mine")).address },
    });
    expect(objectsNamed(token, "mismatch")).toEqual([]);
  });

  test("a label or an id that the token has already", async () => {
    await store.importKey(id("taken"), { name: "taken", id: "0x7a" });
    const another = (label: string, keyId: string) => store.importKey(id("another"), { name: label, id: keyId });
    const taken = { code: "KEY_EXISTS", operation: "importKey" };
    await expect(another("taken", "0x7b")).rejects.toMatchObject({
      ...taken,
      message: expect.stringContaining('label "taken"'),
    });
    await expect(another("not taken", "0x7a")).rejects.toMatchObject({
      ...taken,
      message: expect.stringContaining("CKA_ID 0x7a"),
    });
    expect([objectsNamed(token, "taken").length, objectsNamed(token, "not taken").length]).toEqual([2, 0]);
  });

  test("a signature by another key", async () => {
    intercept("C_SignCallback", (call, args) => {
      (args[1] as Buffer).fill(7);
      return call(...args);
    });
    await expect(store.importKey(id("unproven"), { name: "unproven" })).rejects.toMatchObject({
      code: "SIGNATURE_MISMATCH",
    });
    expect(objectsNamed(token, "unproven")).toEqual([]);
  });

  test("an abort while the module works", async () => {
    const reason = new Error("no longer wanted");
    const controller = new AbortController();
    intercept("C_SignCallback", (call, args) => {
      controller.abort(reason);
      return call(...args);
    });
    const options = { name: "aborted", signal: controller.signal };
    await expect(store.importKey(id("aborted"), options)).rejects.toBe(reason);
    expect(objectsNamed(token, "aborted")).toEqual([]);
  });

  test("a public object that the token refuses", async () => {
    intercept("C_CreateObject", (call, args) => {
      const [, [keyClass]] = args as [Buffer, { value?: unknown }[]];
      if (keyClass?.value === pkcs11js.CKO_PUBLIC_KEY) throw returnValue("CKR_DEVICE_MEMORY", 0x31);
      return call(...args);
    });
    await expect(store.importKey(id("half"), { name: "half" })).rejects.toMatchObject({ code: "BACKEND_UNAVAILABLE" });
    expect(objectsNamed(token, "half")).toEqual([]);
  });

  test("a token that takes private keys in no way", async () => {
    intercept("C_CreateObject", refusePlainKeys);
    intercept("C_GetMechanismList", () => [pkcs11js.CKM_ECDSA]);
    await expect(store.importKey(id("nowhere"), { name: "nowhere" })).rejects.toMatchObject({
      code: "KEY_UNUSABLE",
      operation: "C_CreateObject",
    });
  });

  test("what cannot be removed is named", async () => {
    intercept("C_SignCallback", (call, args) => {
      (args[1] as Buffer).fill(7);
      return call(...args);
    });
    intercept("C_DestroyObject", () => {
      throw returnValue("CKR_ACTION_PROHIBITED", 0x1b);
    });
    await expect(store.importKey(id("stuck"), { name: "stuck" })).rejects.toMatchObject({
      code: "BACKEND_UNAVAILABLE",
      retryable: false,
      message: expect.stringMatching(/could not be removed.*CKR_ACTION_PROHIBITED/),
      cause: { code: "SIGNATURE_MISMATCH" },
    });
    restore();
    token.deleteKeys("stuck");
  });
});

test("a private key shows in no error, whatever fails, and the store wipes its copies", async () => {
  const secret = getBytes(id("planted private key"));
  const hex = hexlify(secret).slice(2);
  const decimals = [...secret.slice(0, 8)].join(", ");
  const seen: Buffer[] = [];
  const faults = ["C_CreateObject", "C_UnwrapKeyCallback", "C_SignCallback", "C_GetAttributeValue"] as const;
  const shown: string[] = [];
  for (const [index, fault] of faults.entries()) {
    intercept("C_CreateObject", (call, args) => {
      const [, template] = args as [Buffer, { type: number; value?: unknown }[]];
      for (const { type, value } of template) if (type === pkcs11js.CKA_VALUE) seen.push(value as Buffer);
      return refusePlainKeys(call, args);
    });
    intercept(fault, (_call, args) => {
      const [, template] = args as [Buffer, { type: number; value?: unknown }[]];
      if (fault === "C_CreateObject") for (const { value } of template) if (Buffer.isBuffer(value)) seen.push(value);
      throw returnValue("CKR_GENERAL_ERROR", 0x05);
    });
    const error: unknown = await store
      .importKey(secret, { name: `planted-${index}` })
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "BACKEND_UNAVAILABLE" });
    shown.push(inspect(error, { depth: Infinity, showHidden: true, maxArrayLength: null }), JSON.stringify(error));
    restore();
  }
  shown.push(inspect(store, { depth: Infinity, showHidden: true }));
  for (const text of shown) {
    expect(text.toLowerCase()).not.toContain(hex);
    expect(text).not.toContain(hex.slice(0, 16));
    expect(text).not.toContain(decimals);
    expect(text.replaceAll(" ", "")).not.toContain(hex.slice(0, 16));
  }
  expect(seen.length).toBeGreaterThan(3);
  const left = seen.filter((bytes) => bytes.length === 32);
  expect(left.length).toBeGreaterThan(3);
  expect(left.every((bytes) => bytes.every((byte) => byte === 0))).toBe(true);
  expect(hexlify(secret)).toBe(`0x${hex}`);
});
