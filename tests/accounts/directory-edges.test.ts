import { expect, test } from "@jest/globals";
import { id, Wallet } from "ethers";
import { AccountDirectory, type KeyStore, type ListedKey } from "../../src/index.ts";
import { MemoryKey } from "../support/memory-key.ts";
import { MemoryStore, unavailable } from "../support/memory-store.ts";
import { until } from "../support/until.ts";

const KEY = id("an account");
const { address } = new Wallet(KEY);

function storeWithKey(): MemoryStore {
  const store = new MemoryStore();
  store.put(KEY);
  return store;
}

test("a listener that throws fails no refresh, keeps no other listener from its call, and does not go unseen", async () => {
  const directory = new AccountDirectory({ stores: [storeWithKey()] });
  const [told, unseen]: [unknown[], unknown[]] = [[], []];
  directory.on("change", () => {
    throw new Error("the listener's own");
  });
  directory.on("change", ({ added }) => told.push(added.length));
  const queue = globalThis.queueMicrotask;
  globalThis.queueMicrotask = (task) => {
    try {
      task();
    } catch (error) {
      unseen.push(error);
    }
  };
  try {
    expect(await directory.refresh()).toMatchObject({ failed: [] });
  } finally {
    globalThis.queueMicrotask = queue;
    directory.close();
  }
  expect(told).toEqual([1]);
  expect(unseen).toMatchObject([{ message: "the listener's own" }]);
});

test("closing while the timer's own refresh runs ends it, and leaves no rejection without a handler", async () => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown) => unhandled.push(reason);
  process.on("unhandledRejection", note);
  const store = storeWithKey();
  const directory = new AccountDirectory({ stores: [store], refreshInterval: 5 });
  await directory.refresh();
  store.gate = new Promise(() => {});
  const { listings } = store;
  await until(() => store.listings > listings);
  directory.close();
  await new Promise((resolve) => setTimeout(resolve, 30));
  process.off("unhandledRejection", note);
  expect(unhandled).toEqual([]);
  await expect(directory.refresh()).rejects.toMatchObject({ code: "SIGNER_CLOSED" });
});

test("an account whose key fails for now is that of another key which holds it too, where there is one", async () => {
  const [original, copy] = [new MemoryKey(KEY, "original"), new MemoryKey(KEY, "copy")];
  let listed: ListedKey[] = [{ key: original, address, name: "original" }];
  const store: KeyStore = {
    backend: "memory",
    id: "store",
    async *list() {
      yield* listed;
    },
  };
  const directory = new AccountDirectory({ stores: [store] });
  await directory.refresh();
  listed = [
    { id: "original", name: "original", error: unavailable() },
    { key: copy, address, name: "copy" },
  ];
  await directory.refresh();
  expect(await directory.list()).toMatchObject([{ address, keyId: "copy" }]);
  directory.close();
});

test("what is wrong with one store's own code is that store's health, not the directory's failure", async () => {
  const store = storeWithKey();
  store.outage = new TypeError("undefined is not a function");
  const directory = new AccountDirectory({ stores: [store, storeWithKey()] });
  expect(await directory.health()).toMatchObject([
    { reachable: false, error: { code: "BACKEND_UNAVAILABLE", retryable: false, cause: store.outage } },
    { backend: store.backend },
  ]);
  directory.close();
});
