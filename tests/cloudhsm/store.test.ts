import { inspect } from "node:util";
import { afterEach, beforeAll, expect, test } from "@jest/globals";
import { id, verifyMessage, Wallet } from "ethers";
import { CloudHsmKeyStore, type CloudHsmStoreOptions } from "../../src/cloudhsm/index.ts";
import { RemoteSigner } from "../../src/index.ts";
import { collect } from "../support/listing.ts";
import { SoftHsmToken } from "../support/softhsm.ts";
import { softHsmPath } from "../support/softhsm-env.ts";

// SoftHSM2 in the place of AWS's library, with a PIN of AWS's form.
const token = SoftHsmToken.create(softHsmPath(), `cloudhsm-store-${process.pid}`, "crypto-user:correct horse");
const { libraryPath, slot } = token;
const stores: CloudHsmKeyStore[] = [];

function open(options: CloudHsmStoreOptions): CloudHsmKeyStore {
  const store = new CloudHsmKeyStore(options);
  stores.push(store);
  return store;
}

beforeAll(() => {
  for (const label of ["treasury-1", "treasury-2", "other"]) token.importKey(id(label), { label, id: id(label) });
});

afterEach(async () => {
  await Promise.all(stores.splice(0).map((store) => store.close()));
});

test.each<[string, CloudHsmStoreOptions]>([
  ["user and password", { user: "crypto-user", password: "correct horse" }],
  ["a password function", { user: "crypto-user", password: async () => "correct horse" }],
  ["AWS's PIN", { pin: "crypto-user:correct horse" }],
])("lists and signs with %s", async (_name, login) => {
  const store = open({ libraryPath, slot, ...login, namePrefix: "treasury-" });
  const { stored, failed } = await collect(store.list());
  expect(failed).toEqual([]);
  expect(new Map(stored.map(({ name, address }) => [name, address]))).toEqual(
    new Map(["treasury-1", "treasury-2"].map((label) => [label, new Wallet(id(label)).address])),
  );
  for (const { key, address } of stored) {
    expect(key.backend).toBe("cloudhsm");
    expect(verifyMessage("hello", await new RemoteSigner(key).signMessage("hello"))).toBe(address);
  }
});

test("creates a key, and imports one where the library allows that", async () => {
  const store = open({ libraryPath, slot, user: "crypto-user", password: "correct horse" });
  const created = await store.createKey({ name: "created" });
  const imported = await store.importKey(id("moved"), { name: "moved" });
  expect(imported.address).toBe(new Wallet(id("moved")).address);
  for (const { key, address } of [created, imported]) {
    expect(verifyMessage("hello", await new RemoteSigner(key).signMessage("hello"))).toBe(address);
  }
});

test("a wrong password is named by its backend and shows nowhere", async () => {
  const store = open({ libraryPath, slot, user: "crypto-user", password: "planted-password" });
  const error: unknown = await collect(store.list()).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: "ACCESS_DENIED", backend: "cloudhsm" });
  expect(inspect([error, store], { depth: Infinity, showHidden: true })).not.toContain("planted-password");
});

test("by default the library is AWS's, and its absence is the store's health", async () => {
  const store = open({ user: "crypto-user", password: "planted-password" });
  expect([store.backend, store.id]).toEqual(["cloudhsm", "pkcs11:"]);
  await expect(store.health()).resolves.toMatchObject({
    reachable: false,
    error: { code: "DEPENDENCY_MISSING", message: expect.stringContaining("cloudhsm-pkcs11") },
  });
});

test.each<[string, Record<string, unknown>, string]>([
  ["no login", {}, "user"],
  ["a colon in the user", { user: "a:b", password: "x" }, "user"],
  ["an empty prefix", { pin: "u:planted", namePrefix: "" }, "namePrefix"],
  ["a key id without 0x", { pin: "u:planted", keyId: "01" }, "keyId"],
  ["two selectors of the token", { pin: "u:planted", slot: 1, tokenLabel: "t" }, "tokenLabel"],
])("options that cannot be right: %s", (_name, options, argument) => {
  let thrown: unknown;
  try {
    open(options);
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toMatchObject({ code: "INVALID_ARGUMENT", argument });
  expect(inspect(thrown)).not.toContain("planted");
});
