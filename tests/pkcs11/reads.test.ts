import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import { id } from "ethers";
import type { RemoteKey } from "../../src/index.ts";
import { Pkcs11KeyStore, Pkcs11Signer, type Pkcs11StoreOptions } from "../../src/pkcs11/index.ts";
import { collect } from "../support/listing.ts";
import { Shim, type ShimFunction } from "../support/pkcs11-shim/shim.ts";
import { SoftHsmToken } from "../support/softhsm.ts";
import { softHsmPath } from "../support/softhsm-env.ts";

const FUNCTION_FAILED = 0x06;
const DEVICE_ERROR = 0x30;
const HANG_MS = 60_000;

const shim = new Shim(softHsmPath());
const token = SoftHsmToken.create(shim.libraryPath, `reads-${process.pid}`);
const { libraryPath, label: tokenLabel, pin } = token;
const opened: { close(): Promise<void> }[] = [];

beforeAll(() => {
  for (const label of ["hot", "cold"]) token.importKey(id(label), { label, id: Buffer.from(label) });
});

afterEach(async () => {
  shim.clear();
  await Promise.all(opened.splice(0).map((each) => each.close()));
});

afterAll(() => shim.remove());

function openStore(options: Partial<Pkcs11StoreOptions> = {}): Pkcs11KeyStore {
  const store = new Pkcs11KeyStore({ libraryPath, tokenLabel, pin, ...options });
  opened.push(store);
  return store;
}

function openSigner(): Pkcs11Signer {
  const signer = new Pkcs11Signer({ libraryPath, tokenLabel, pin, keyLabel: "hot" });
  opened.push(signer);
  return signer;
}

const calls = (name: ShimFunction) => shim.stats().functions[name].calls;

test("a read that fails twice is made a third time, in the same session; then the session counts as lost", async () => {
  const store = openStore();
  await collect(store.list());
  const before = calls("C_OpenSession");
  shim.set("C_GetAttributeValue", { returnValue: DEVICE_ERROR, count: 2 });
  expect((await collect(store.list())).stored).toHaveLength(2);
  expect(calls("C_OpenSession")).toBe(before);
  shim.set("C_GetAttributeValue", { returnValue: DEVICE_ERROR, count: 3 });
  expect((await collect(store.list())).stored).toHaveLength(2);
  expect(calls("C_OpenSession")).toBe(before + 1);
});

test("a search that cannot be ended: what it failed with counts, and its session is not used again", async () => {
  const signer = openSigner();
  shim.set("C_FindObjectsFinal", { returnValue: DEVICE_ERROR, count: 1 });
  await signer.getAddress();
  expect(calls("C_CloseSession")).toBeGreaterThan(0);
  const store = openStore();
  shim.set("C_FindObjects", { returnValue: FUNCTION_FAILED });
  shim.set("C_FindObjectsFinal", { returnValue: DEVICE_ERROR });
  await expect(collect(store.list())).rejects.toMatchObject({
    operation: "C_FindObjects",
    info: { returnValue: FUNCTION_FAILED },
  });
});

test("a key of a store that was closed tells nothing and signs nothing", async () => {
  const store = openStore();
  const [key] = (await collect(store.list())).stored.map((stored) => stored.key as RemoteKey);
  await expect(key?.getPublicKey()).resolves.toHaveLength(65);
  await store.close();
  const before = calls("C_OpenSession");
  await expect(key?.getPublicKey()).rejects.toMatchObject({ code: "SIGNER_CLOSED" });
  await expect(key?.signDigest(new Uint8Array(32))).rejects.toMatchObject({ code: "SIGNER_CLOSED" });
  expect(calls("C_OpenSession")).toBe(before);
});

test("a store's timeout: the call ends while the token is silent, and what it made afterwards is removed", async () => {
  const store = openStore({ timeout: 100 });
  shim.set("C_GenerateKeyPair", { hangMs: HANG_MS, count: 1 });
  await expect(store.createKey({ name: "late" })).rejects.toMatchObject({
    ...{ code: "BACKEND_TIMEOUT", operation: "createKey", backend: "pkcs11" },
    message: expect.stringContaining("has not answered for 100 ms"),
  });
  shim.clear();
  await store.close();
  const { stored } = await collect(openStore().list());
  expect(stored.map(({ name }) => name).toSorted()).toEqual(["cold", "hot"]);
});
