import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { KeyVaultServer } from "../servers/azure-key-vault/server.ts";
import { until } from "../support/until.ts";
import { failureOf, listingOf, putMany, restOf, startEmptyServer, storeFor } from "./store-setup.ts";

const DIGEST = new Uint8Array(32).fill(9);

let server: KeyVaultServer;
beforeEach(async () => {
  server = await startEmptyServer();
});
afterEach(async () => {
  await server.close();
});

describe("the consumer", () => {
  test("that does not ask slows the listing", async () => {
    putMany(server, 200);
    const store = storeFor(server, { concurrency: 5 });
    const listing = store.list();
    await listing.next();
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(server.count("getKey")).toBeLessThanOrEqual(6);
    expect(server.count("listKeys")).toBe(1);
    await listing.return();
    await store.close();
  });

  test("that breaks off ends the requests that wait", async () => {
    putMany(server, 40);
    const store = storeFor(server);
    server.faults.add({ kind: "slow", ms: 0 }, { operation: "getKey", times: 1 });
    server.faults.add("hang", { operation: "getKey" });
    for await (const _listed of store.list()) break;
    await until(() => server.openConnections <= 1);
    server.faults.clear();
    expect((await listingOf(store)).stored).toHaveLength(40);
    await store.close();
  });

  test.each(["listKeys", "getKey", "challenge"])("that aborts ends it with the reason (%s)", async (operation) => {
    putMany(server, 40);
    const store = storeFor(server);
    server.faults.add("hang", { operation });
    const controller = new AbortController();
    const failure = failureOf(listingOf(store, { signal: controller.signal }));
    await until(() => server.count(operation === "challenge" ? "challenge" : "listKeys") > 0);
    const reason = new Error("changed my mind");
    controller.abort(reason);
    expect(await failure).toBe(reason);
    server.faults.clear();
    expect((await listingOf(store)).stored).toHaveLength(40);
    await store.close();
  });

  test("that aborts at a later page ends it, and closing ends that page's request", async () => {
    putMany(server, 30);
    const store = storeFor(server);
    const controller = new AbortController();
    const listing = store.list({ signal: controller.signal });
    await listing.next();
    server.faults.add("hang", { operation: "listKeys" });
    const failure = failureOf(restOf(listing));
    await until(() => server.count("listKeys") === 2);
    controller.abort();
    expect(await failure).toBe(controller.signal.reason);
    const connections = server.openConnections;
    await store.close();
    await until(() => server.openConnections < connections);
    expect(server.count("listKeys")).toBe(2);
  });

  test("that aborted already sends nothing", async () => {
    const store = storeFor(server);
    const reason = new Error("too late");
    expect(await failureOf(listingOf(store, { signal: AbortSignal.abort(reason) }))).toBe(reason);
    expect(server.log).toEqual([]);
    await store.close();
  });
});

describe("closing", () => {
  test("a key leaves the connections to the store and the other keys", async () => {
    putMany(server, 2);
    const store = storeFor(server);
    const [first, second] = (await listingOf(store)).stored;
    const connections = server.openConnections;
    await first?.key.close?.();
    await second?.key.signDigest(DIGEST);
    expect(server.openConnections).toBe(connections);
    await store.close();
  });

  test("the store ends its keys and its listings", async () => {
    putMany(server, 40);
    const store = storeFor(server);
    const listing = store.list();
    const first = await listing.next();
    const key = first.done || !("key" in first.value) ? undefined : first.value.key;
    server.faults.add({ kind: "slow", ms: 50 }, { operation: "sign" });
    const signing = key?.signDigest(DIGEST);
    await until(() => server.count("sign") === 1);
    await Promise.all([store.close(), store.close()]);
    expect(await signing).toBeDefined();
    const closed = { code: "SIGNER_CLOSED", message: expect.stringContaining("the store was closed") };
    await expect(key?.signDigest(DIGEST)).rejects.toMatchObject(closed);
    await expect(store.list().next()).rejects.toMatchObject(closed);
    expect(await store.health()).toMatchObject({ reachable: false, error: closed });
    await expect(store.createKey({ name: "new" })).rejects.toMatchObject(closed);
    await expect(restOf(listing)).rejects.toMatchObject(closed);
  });
});
