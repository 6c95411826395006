import { afterAll, afterEach, describe, expect, test } from "@jest/globals";
import { id, verifyMessage } from "ethers";
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
    const { key, address, name } = await store.createKey({ name: "hot wallet 1" });
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
    const { key } = await store.createKey({ name: "guarded", id: Uint8Array.of(0x0a, 0xff) });
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

  test("refuses a label and an id that a key has already", async () => {
    await store.createKey({ name: "taken", id: "0x7a" });
    const refusal = { code: "KEY_EXISTS", retryable: false, backend: "pkcs11", operation: "createKey" };
    await expect(store.createKey({ name: "taken" })).rejects.toMatchObject({
      ...refusal,
      message: 'a key of the token with the label "taken" exists already; choose another. Nothing was made',
    });
    await expect(store.createKey({ name: "other", id: "0x7a" })).rejects.toMatchObject({
      ...refusal,
      message: "a key of the token with the CKA_ID 0x7a exists already; choose another. Nothing was made",
    });
    expect([objectsNamed(token, "taken").length, objectsNamed(token, "other").length]).toEqual([2, 0]);
  });

  test("refuses a label and an id that are being made, also by another store", async () => {
    const another = new Pkcs11KeyStore({ libraryPath, tokenLabel, pin });
    const outcomes = await Promise.allSettled([
      store.createKey({ name: "same" }),
      another.createKey({ name: "same" }),
      another.importKey(id("imported"), { name: "same" }),
      store.createKey({ name: "id-1", id: "0x7b" }),
      another.createKey({ name: "id-2", id: "0x7b" }),
    ]);
    const codes = outcomes.map((outcome) => (outcome.status === "rejected" ? outcome.reason.code : "made"));
    expect(codes.toSorted()).toEqual(["KEY_EXISTS", "KEY_EXISTS", "KEY_EXISTS", "made", "made"]);
    const made = ["same", "id-1", "id-2"].map((label) => objectsNamed(token, label).length);
    expect(made.toSorted()).toEqual([0, 2, 2]);
    await expect(store.createKey({ name: "same" })).rejects.toMatchObject({ code: "KEY_EXISTS" });
    await another.close();
  });

  test("refuses what is neither a label nor an id", async () => {
    const argument = (options: object) =>
      store.createKey(options as { name: string }).catch((error: { argument?: string }) => error.argument);
    await expect(argument({ name: "" })).resolves.toBe("name");
    await expect(argument({})).resolves.toBe("name");
    await expect(argument({ name: "other", id: "7a" })).resolves.toBe("id");
  });

  test("refuses a name that the store's own filter would hide", async () => {
    const hidden = new Pkcs11KeyStore({ libraryPath, tokenLabel, pin, namePrefix: "hot-", keyId: "0x11" });
    const refusal = { code: "INVALID_ARGUMENT" };
    await expect(hidden.createKey({ name: "cold" })).rejects.toMatchObject({ ...refusal, argument: "name" });
    await expect(hidden.createKey({ name: "hot-1", id: "0x12" })).rejects.toMatchObject({
      ...refusal,
      argument: "id",
    });
    const { key } = await hidden.createKey({ name: "hot-1", id: "0x11" });
    expect((await collect(hidden.list())).stored.map((listed) => listed.key.id)).toEqual([key.id]);
    await hidden.close();
  });

  test("ten at once are ten keys", async () => {
    const made = await Promise.all(
      Array.from({ length: 10 }, (_, index) => store.createKey({ name: `many-${index}` })),
    );
    expect(new Set(made.map(({ address }) => address)).size).toBe(10);
    const { stored } = await collect(store.list());
    const listed = new Map(stored.map(({ name, address }) => [name, address]));
    for (const { name, address } of made) expect(listed.get(name)).toBe(address);
  });

  test("failed after the token made something: that is removed, but not a pair that another process may have made", async () => {
    intercept("C_GenerateKeyPairCallback", (call, args) => {
      const done = args.pop() as (error: Error) => void;
      return call(...args, () => done(returnValue("CKR_DEVICE_MEMORY", 0x31)));
    });
    const failure = { code: "BACKEND_UNAVAILABLE", operation: "C_GenerateKeyPair" };
    await expect(store.createKey({ name: "half-made" })).rejects.toMatchObject(failure);
    await expect(store.createKey({ name: "half-made", id: "0x7c" })).rejects.toMatchObject(failure);
    expect(objectsNamed(token, "half-made")).toHaveLength(2);
    intercept("C_GenerateKeyPairCallback", (call, args) => {
      const done = args.pop() as (error: Error) => void;
      return call(...args, (_error: unknown, { publicKey }: { publicKey: Buffer }) => {
        token.withSession((library, session) => library.C_DestroyObject(session, publicKey));
        done(returnValue("CKR_DEVICE_MEMORY", 0x31));
      });
    });
    await expect(store.createKey({ name: "one half", id: "0x7d" })).rejects.toMatchObject(failure);
    expect(objectsNamed(token, "one half")).toEqual([]);
  });

  test("refused by the token: the reason, and nothing is left", async () => {
    intercept("C_GenerateKeyPairCallback", () => {
      throw returnValue("CKR_TOKEN_WRITE_PROTECTED", 0xe2);
    });
    await expect(store.createKey({ name: "refused" })).rejects.toMatchObject({
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
    await expect(store.createKey({ name: "aborted", signal: controller.signal })).rejects.toBe(reason);
    await expect(store.createKey({ name: "aborted", signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(objectsNamed(token, "aborted")).toEqual([]);
  });

  test("whose public key cannot be read: the new key is removed", async () => {
    intercept("C_GetAttributeValue", () => {
      throw returnValue("CKR_DEVICE_ERROR", 0x30);
    });
    await expect(store.createKey({ name: "unread" })).rejects.toMatchObject({ code: "BACKEND_UNAVAILABLE" });
    expect(objectsNamed(token, "unread")).toEqual([]);
  });
});
