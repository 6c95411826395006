import { afterEach, describe, expect, test } from "@jest/globals";
import { id, JsonRpcProvider, verifyMessage, Wallet } from "ethers";
import { AccountDirectory, type AccountDirectoryOptions, RemoteSigner, SignerError } from "../../src/index.ts";
import { MemoryKey } from "../support/memory-key.ts";
import { MemoryStore, unavailable } from "../support/memory-store.ts";
import { until } from "../support/until.ts";

const [A, B, C] = ["a", "b", "c"].map((name) => id(`account ${name}`)) as [string, string, string];
const directories: AccountDirectory[] = [];

function open(options: AccountDirectoryOptions): AccountDirectory {
  const directory = new AccountDirectory(options);
  directories.push(directory);
  return directory;
}

function storeWith(...privateKeys: string[]): MemoryStore {
  const store = new MemoryStore();
  for (const privateKey of privateKeys) store.put(privateKey);
  return store;
}

afterEach(() => {
  for (const directory of directories.splice(0)) directory.close();
});

describe("accounts", () => {
  test("of several stores and single signers, from one listing, whatever is asked first and how often at once", async () => {
    const [first, second] = [storeWith(A), storeWith(B)];
    const single = new RemoteSigner(new MemoryKey(C));
    const directory = open({ stores: [first, second], signers: [single] });
    expect([first.listings, second.listings]).toEqual([0, 0]);
    const answers = await Promise.all([
      directory.accounts(),
      directory.has(new Wallet(B).address.toLowerCase()),
      directory.getSigner(new Wallet(A).address),
      directory.list(),
    ]);
    const addresses = [C, A, B].map((key) => new Wallet(key).address);
    expect(answers[0]).toEqual(addresses);
    expect(answers[1]).toBe(true);
    expect(answers[3].map(({ address }) => address)).toEqual(addresses);
    await directory.accounts();
    expect([first.listings, second.listings]).toEqual([1, 1]);
  });

  test("each has a signer that signs, for any provider and any case of the address", async () => {
    const directory = open({ stores: [storeWith(A)], signers: [new RemoteSigner(new MemoryKey(B))] });
    const provider = new JsonRpcProvider("http://127.0.0.1:9");
    for (const key of [A, B]) {
      const { address } = new Wallet(key);
      const signer = await directory.getSigner(address.toLowerCase(), provider);
      expect(signer.provider).toBe(provider);
      expect(verifyMessage("hello", await signer.signMessage("hello"))).toBe(address);
    }
    provider.destroy();
  });

  test("an address that no store has, and one that is none", async () => {
    const directory = open({ stores: [storeWith(A)] });
    const { address } = new Wallet(B);
    expect(await directory.has(address)).toBe(false);
    await expect(directory.getSigner(address)).rejects.toMatchObject({ code: "KEY_NOT_FOUND" });
    await expect(directory.has("0x1234")).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  test("of the same key in two stores, the first store's counts", async () => {
    const [first, second] = [new MemoryStore("first"), new MemoryStore("second")];
    first.put(A);
    second.put(A);
    const directory = open({ stores: [first, second] });
    expect((await directory.list()).map(({ keyId }) => keyId)).toEqual([`first/${new Wallet(A).address}`]);
    first.remove(new Wallet(A).address);
    expect(await directory.refresh()).toMatchObject({ changed: [new Wallet(A).address], removed: [] });
  });
});

describe("refresh", () => {
  test("tells what was added, removed, changed and unchanged", async () => {
    const store = storeWith(A, B);
    const directory = open({ stores: [store] });
    const [a, b, c] = [A, B, C].map((key) => new Wallet(key).address);
    expect(await directory.refresh()).toEqual({ added: [a, b], removed: [], changed: [], unchanged: [], failed: [] });
    store.remove(a ?? "");
    store.put(B, "renamed");
    store.put(C);
    expect(await directory.refresh()).toEqual({ added: [c], removed: [a], changed: [b], unchanged: [], failed: [] });
    expect(await directory.refresh()).toMatchObject({ added: [], changed: [], unchanged: [b, c] });
  });

  test("keeps the signer of a key that is still there, and what it knows", async () => {
    const directory = open({ stores: [storeWith(A)] });
    const { address } = new Wallet(A);
    await (await directory.getSigner(address)).getAddress();
    await directory.refresh();
    const store = storeWith(A);
    const key = new MemoryKey(A);
    Object.assign(store, {
      async *list() {
        yield { key, address, name: undefined };
      },
    });
    const counted = open({ stores: [store] });
    for (let round = 0; round < 3; round += 1) {
      await counted.refresh();
      await (await counted.getSigner(address)).signMessage("hello");
    }
    expect(key.publicKeyFetches).toBe(1);
  });

  test("is single flight, and one caller's abort is that caller's", async () => {
    const store = storeWith(A);
    let release: () => void = () => undefined;
    store.gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const directory = open({ stores: [store] });
    const controller = new AbortController();
    const impatient = directory.refresh({ signal: controller.signal });
    const others = [directory.refresh(), directory.refresh(), directory.accounts()];
    controller.abort(new Error("enough"));
    await expect(impatient).rejects.toThrow("enough");
    release();
    await Promise.all(others);
    expect(store.listings).toBe(1);
    await expect(directory.refresh({ signal: AbortSignal.abort(new Error("before")) })).rejects.toThrow("before");
    expect(store.listings).toBe(1);
  });

  test("a store that goes away keeps its accounts and is named; one that comes back is listed again", async () => {
    const [gone, there] = [new MemoryStore("gone"), new MemoryStore("there")];
    const [a, b] = [gone.put(A), there.put(B)];
    const directory = open({ stores: [gone, there] });
    await directory.refresh();
    gone.outage = unavailable();
    gone.remove(a);
    there.remove(b);
    expect(await directory.refresh()).toEqual({
      added: [],
      removed: [b],
      changed: [],
      unchanged: [a],
      failed: [{ backend: "memory", source: "gone", key: undefined, error: gone.outage }],
    });
    expect(verifyMessage("still", await (await directory.getSigner(a)).signMessage("still"))).toBe(a);
    gone.outage = undefined;
    expect(await directory.refresh()).toMatchObject({ removed: [a], failed: [] });
  });

  test("a key that fails for the moment stays, one that fails for good goes, and both are named", async () => {
    const store = storeWith(A, B);
    const [a, b] = [A, B].map((key) => new Wallet(key).address) as [string, string];
    const directory = open({ stores: [store] });
    await directory.refresh();
    store.fail(a, new SignerError("THROTTLED", "too many requests"));
    store.fail(b, new SignerError("KEY_UNUSABLE", "disabled"));
    const result = await directory.refresh();
    expect(result).toMatchObject({ removed: [b], unchanged: [a] });
    expect(result.failed.map(({ key, source }) => [key?.id, source])).toEqual([
      [`store/${a}`, "store"],
      [`store/${b}`, "store"],
    ]);
  });

  test("nothing could be listed yet: that is an error, not an empty list, and the next call asks again", async () => {
    const store = storeWith(A);
    store.outage = unavailable();
    const directory = open({ stores: [store] });
    await expect(directory.accounts()).rejects.toBe(store.outage);
    await expect(directory.has(new Wallet(A).address)).rejects.toBe(store.outage);
    store.outage = undefined;
    expect(await directory.accounts()).toEqual([new Wallet(A).address]);
    expect(await open({ stores: [new MemoryStore()] }).accounts()).toEqual([]);
  });

  test("at an interval, from the first use on", async () => {
    const store = storeWith(A);
    const directory = open({ stores: [store], refreshInterval: 1 });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(store.listings).toBe(0);
    await directory.accounts();
    store.put(B);
    const found: readonly string[][] = [];
    directory.on("change", ({ added }) => (found as string[][]).push([...added]));
    await until(() => found.length > 0);
    expect(found).toEqual([[new Wallet(B).address]]);
    store.outage = unavailable();
    const { listings } = store;
    await until(() => store.listings > listings + 2);
    expect(await directory.accounts()).toHaveLength(2);
    directory.close();
    const last = store.listings;
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(store.listings).toBeLessThanOrEqual(last + 1);
  });
});

describe("events", () => {
  test("come after changes only, with the directory as it is then, until they are turned off", async () => {
    const store = storeWith(A);
    const directory = open({ stores: [store] });
    const seen: number[] = [];
    const listener = async () => {
      seen.push((await directory.accounts()).length);
    };
    directory.on("change", listener);
    await directory.refresh();
    await directory.refresh();
    store.put(B);
    await directory.refresh();
    directory.off("change", listener);
    store.put(C);
    await directory.refresh();
    expect(seen).toEqual([1, 2]);
  });
});

describe("health", () => {
  test("says of each source what it says itself, and what the last refresh came to", async () => {
    const [up, down] = [new MemoryStore("up"), new MemoryStore("down")];
    up.put(A);
    down.put(B);
    const directory = open({ stores: [up, down], signers: [new RemoteSigner(new MemoryKey(C, "single"))] });
    expect(await directory.health()).toMatchObject([
      { source: "single", reachable: true, accounts: 0, lastRefresh: undefined },
      { source: "up", reachable: true, canList: true, canSign: true, accounts: 0, lastRefresh: undefined },
      { source: "down", reachable: true },
    ]);
    await directory.refresh();
    down.outage = unavailable();
    await directory.refresh();
    expect(await directory.health()).toMatchObject([
      { source: "single", accounts: 1, refreshError: undefined },
      { source: "up", accounts: 1, lastRefresh: expect.any(Date), refreshError: undefined },
      { source: "down", accounts: 1, lastRefresh: expect.any(Date), refreshError: down.outage, reachable: false },
    ]);
  });
});

describe("the directory itself", () => {
  test.each([
    [{}, "stores"],
    [{ stores: [], signers: [] }, "stores"],
    [{ stores: [new MemoryStore()], refreshInterval: 0 }, "refreshInterval"],
    [{ stores: [new MemoryStore()], refreshInterval: 2 ** 31 }, "refreshInterval"],
  ])("refuses options that cannot be right: %#", (options, argument) => {
    expect(() => new AccountDirectory(options)).toThrow(
      expect.objectContaining({ code: "INVALID_ARGUMENT", argument }),
    );
  });

  test("closed, it refuses every call, ends a refresh that runs, and leaves stores and signers open", async () => {
    const store = storeWith(A);
    const directory = open({ stores: [store] });
    const signer = await directory.getSigner(new Wallet(A).address);
    store.gate = new Promise(() => undefined);
    const running = directory.refresh();
    directory.close();
    directory.close();
    const closed = { code: "SIGNER_CLOSED" };
    await expect(running).rejects.toMatchObject(closed);
    await expect(directory.accounts()).rejects.toMatchObject(closed);
    await expect(directory.refresh()).rejects.toMatchObject(closed);
    await expect(directory.health()).rejects.toMatchObject(closed);
    expect(verifyMessage("hello", await signer.signMessage("hello"))).toBe(new Wallet(A).address);
  });
});
