import { KeyClient } from "@azure/keyvault-keys";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { AzureKeyVaultKeyStore } from "../../src/azure-key-vault/index.ts";
import type { KeyVaultServer } from "../servers/azure-key-vault/server.ts";
import { hangFor } from "../support/stopped-time.ts";
import { StaticCredential } from "./setup.ts";
import { listingOf, putMany, restOf, startEmptyServer, storeFor } from "./store-setup.ts";

let server: KeyVaultServer;
beforeEach(async () => {
  server = await startEmptyServer();
});
afterEach(async () => {
  await server.close();
});

describe("a listing that fails as a whole", () => {
  test.each([
    ["refused", { kind: "error", status: 403, code: "Forbidden", innerCode: "ForbiddenByRbac", message: "no" }],
  ] as const)(
    "%s is ACCESS_DENIED and names the permission, on the first page and on a later one",
    async (_, fault) => {
      putMany(server, 30);
      const store = storeFor(server);
      const expected = {
        code: "ACCESS_DENIED",
        operation: "list",
        keyId: server.url,
        message: expect.stringContaining("keys/list"),
        info: { statusCode: 403 },
      };
      server.faults.add(fault, { operation: "listKeys", times: 1 });
      await expect(listingOf(store)).rejects.toMatchObject(expected);
      const listing = store.list();
      await listing.next();
      server.faults.add(fault, { operation: "listKeys", times: 1 });
      await expect(restOf(listing)).rejects.toMatchObject(expected);
      await store.close();
    },
  );

  test("on a later page with a client of the caller's own says as much as the SDK lets it", async () => {
    putMany(server, 30);
    const client = new KeyClient(server.url, new StaticCredential(), {
      allowInsecureConnection: true,
      disableChallengeResourceVerification: true,
    });
    const listing = new AzureKeyVaultKeyStore({ client }).list();
    await listing.next();
    server.faults.add({ kind: "throttle" }, { operation: "listKeys" });
    await expect(restOf(listing)).rejects.toMatchObject({
      code: "THROTTLED",
      requestId: expect.any(String),
      info: { statusCode: 429, errorCode: "Throttled" },
    });
  });

  test("throttled without Retry-After is repeated, on every page", async () => {
    putMany(server, 60);
    const store = storeFor(server);
    server.faults.add({ kind: "throttle" }, { operation: "listKeys", times: 2 });
    const listing = store.list();
    await listing.next();
    server.faults.add({ kind: "throttle" }, { operation: "listKeys", times: 2 });
    let count = 1;
    for await (const _listed of listing) count++;
    expect(count).toBe(60);
    expect(server.count("listKeys")).toBe(3 + 4);
    await store.close();
  });

  test.each([
    ["that throttle", { kind: "throttle", retryAfter: 0 }, "THROTTLED"],
    ["that break off", "reset", "BACKEND_UNAVAILABLE"],
    ["that never come", "hang", "BACKEND_TIMEOUT"],
  ] as const)("answers to getting keys %s concern the vault", async (_, fault, code) => {
    putMany(server, 5);
    const store = storeFor(server);
    server.faults.add(fault, { operation: "getKey" });
    const list = () => listingOf(store);
    const listing = fault === "hang" ? hangFor(60_000, () => server.count("getKey") === 5, list) : list();
    await expect(listing).rejects.toMatchObject({ code, retryable: true, operation: "list" });
    await store.close();
  });

  test("a vault that goes away and comes back: the failure is named, then nothing is lost", async () => {
    putMany(server, 40);
    const store = storeFor(server);
    const before = await listingOf(store);
    server.faults.add("reset");
    await expect(listingOf(store)).rejects.toMatchObject({ code: "BACKEND_UNAVAILABLE", keyId: server.url });
    expect(await store.health()).toMatchObject({ reachable: false, error: { code: "BACKEND_UNAVAILABLE" } });
    server.faults.clear();
    const after = await listingOf(store);
    expect(after.failed).toEqual([]);
    expect(after.stored.map(({ address: known }) => known)).toEqual(before.stored.map(({ address: known }) => known));
    await store.close();
  });
});

describe("health", () => {
  test("of a vault that answers", async () => {
    putMany(server, 3);
    const store = storeFor(server);
    expect(await store.health()).toEqual({ reachable: true, canList: true, canSign: undefined, error: undefined });
    expect(server.count("listKeys")).toBe(1);
    expect(server.count("getKey")).toBe(0);
    await store.close();
  });

  test.each([
    [{ kind: "error", status: 403, code: "Forbidden", message: "no" }, true, false, "ACCESS_DENIED"],
    [{ kind: "throttle", retryAfter: 0 }, true, undefined, "THROTTLED"],
    [{ kind: "error", status: 500, code: "InternalServerError", message: "" }, false, undefined, "BACKEND_UNAVAILABLE"],
    ["hang", false, undefined, "BACKEND_TIMEOUT"],
  ] as const)("of one that answers %j", async (fault, reachable, canList, code) => {
    const store = storeFor(server);
    server.faults.add(fault, { operation: "listKeys" });
    const ask = () => store.health();
    const health = fault === "hang" ? hangFor(60_000, () => server.count("listKeys") > 0, ask) : ask();
    expect(await health).toMatchObject({ reachable, canList, canSign: undefined, error: { code } });
    await store.close();
  });

  test("without a token is not reachable, and says why", async () => {
    const store = storeFor(server, { credential: { getToken: () => Promise.reject(new Error("none")) } });
    expect(await store.health()).toMatchObject({
      reachable: false,
      canList: undefined,
      error: { code: "ACCESS_DENIED" },
    });
    await store.close();
  });
});
