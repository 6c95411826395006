import { afterAll, afterEach, describe, expect, test } from "@jest/globals";
import { verifyMessage } from "ethers";
import { RemoteSigner } from "../../src/index.ts";
import { Pkcs11KeyStore, Pkcs11Signer } from "../../src/pkcs11/index.ts";
import { collect } from "../support/listing.ts";
import { intercept, restore, returnValue } from "../support/pkcs11-faults.ts";
import { createToken } from "../support/softhsm-env.ts";
import { objectsNamed, privateAttributes } from "../support/softhsm-objects.ts";

const token = createToken("store-create");
const { libraryPath, label: tokenLabel, pin } = token;
const store = new Pkcs11KeyStore({ libraryPath, tokenLabel, pin });

afterEach(() => {
  restore();
});

afterAll(() => store.close());

describe("create", () => {
  test("makes a key that signs, that a listing finds, and that a signer finds by its label", async () => {
    const { key, address, name } = await store.create({ label: "hot wallet 1" });
    expect(name).toBe("hot wallet 1");
    expect(key.id).toMatch(/^pkcs11:token=store-create-[^;]+;object=hot%20wallet%201;id=(%[0-9A-F]{2}){16}$/);
    expect(verifyMessage("hello", await new RemoteSigner(key).signMessage("hello"))).toBe(address);
    const signer = new Pkcs11Signer({ libraryPath, tokenLabel, pin, keyLabel: "hot wallet 1" });
    await expect(signer.getAddress()).resolves.toBe(address);
    await signer.close();
    const { stored, failed } = await collect(store.list());
    expect(failed).toEqual([]);
    expect(stored.map((listed) => [listed.key.id, listed.address])).toContainEqual([key.id, address]);
  });

  test("sets every attribute of the private half", async () => {
    const { key } = await store.create({ label: "guarded", id: Uint8Array.of(0x0a, 0xff) });
    expect(key.id).toMatch(/;object=guarded;id=%0A%FF$/);
    expect(privateAttributes(token, "guarded")).toEqual({
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

  test("refuses a label and an id that a key has already, and anything that is neither", async () => {
    await store.create({ label: "taken", id: "0x7a" });
    const argument = (options: object) =>
      store.create(options as { label: string }).catch((error: { argument?: string }) => error.argument);
    await expect(argument({ label: "taken" })).resolves.toBe("label");
    await expect(argument({ label: "other", id: "0x7a" })).resolves.toBe("id");
    await expect(argument({ label: "" })).resolves.toBe("label");
    await expect(argument({})).resolves.toBe("label");
    await expect(argument({ label: "other", id: "7a" })).resolves.toBe("id");
    expect([objectsNamed(token, "taken").length, objectsNamed(token, "other").length]).toEqual([2, 0]);
  });

  test("refuses a name that the store's own filter would hide", async () => {
    const hidden = new Pkcs11KeyStore({ libraryPath, tokenLabel, pin, labelPrefix: "hot-", keyId: "0x11" });
    const refusal = { code: "INVALID_ARGUMENT" };
    await expect(hidden.create({ label: "cold" })).rejects.toMatchObject({ ...refusal, argument: "label" });
    await expect(hidden.create({ label: "hot-1", id: "0x12" })).rejects.toMatchObject({ ...refusal, argument: "id" });
    const { key } = await hidden.create({ label: "hot-1", id: "0x11" });
    expect((await collect(hidden.list())).stored.map((listed) => listed.key.id)).toEqual([key.id]);
    await hidden.close();
  });

  test("ten at once are ten keys", async () => {
    const made = await Promise.all(Array.from({ length: 10 }, (_, index) => store.create({ label: `many-${index}` })));
    expect(new Set(made.map(({ address }) => address)).size).toBe(10);
    const { stored } = await collect(store.list());
    const listed = new Map(stored.map(({ name, address }) => [name, address]));
    for (const { name, address } of made) expect(listed.get(name)).toBe(address);
  });

  test("refused by the token: the reason, and nothing is left", async () => {
    intercept("C_GenerateKeyPairCallback", () => {
      throw returnValue("CKR_TOKEN_WRITE_PROTECTED", 0xe2);
    });
    await expect(store.create({ label: "refused" })).rejects.toMatchObject({
      code: "ACCESS_DENIED",
      backend: "pkcs11",
      operation: "C_GenerateKeyPair",
    });
    expect(objectsNamed(token, "refused")).toEqual([]);
  });

  test("aborted while the module works: the new key is removed", async () => {
    const reason = new Error("no longer wanted");
    const controller = new AbortController();
    intercept("C_GenerateKeyPairCallback", (call, args) => {
      controller.abort(reason);
      return call(...args);
    });
    await expect(store.create({ label: "aborted", signal: controller.signal })).rejects.toBe(reason);
    await expect(store.create({ label: "aborted", signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(objectsNamed(token, "aborted")).toEqual([]);
  });

  test("whose public key cannot be read: the new key is removed", async () => {
    intercept("C_GetAttributeValue", () => {
      throw returnValue("CKR_DEVICE_ERROR", 0x30);
    });
    await expect(store.create({ label: "unread" })).rejects.toMatchObject({ code: "BACKEND_UNAVAILABLE" });
    expect(objectsNamed(token, "unread")).toEqual([]);
  });
});
