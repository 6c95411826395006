import { type GetKeyOptions, KeyClient } from "@azure/keyvault-keys";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { recoverAddress, Wallet } from "ethers";
import { AzureKeyVaultKeyStore } from "../../src/azure-key-vault/index.ts";
import { RemoteSigner } from "../../src/signer/remote-signer.ts";
import type { KeyVaultServer } from "../servers/azure-key-vault/server.ts";
import { hangFor } from "../support/stopped-time.ts";
import { until } from "../support/until.ts";
import { PRIVATE_KEY, StaticCredential } from "./setup.ts";
import { failureOf, listingOf, namesOf, startEmptyServer, storeFor } from "./store-setup.ts";

type RawResponse = Parameters<NonNullable<GetKeyOptions["onResponse"]>>[0];

const { address } = new Wallet(PRIVATE_KEY);
const DIGEST = new Uint8Array(32).fill(3);

let server: KeyVaultServer;
beforeEach(async () => {
  server = await startEmptyServer();
});
afterEach(async () => {
  await server.close();
});

describe("create", () => {
  test("makes a key of secp256k1 that may sign, with its address known", async () => {
    const store = storeFor(server);
    const { key, address: created, name } = await store.createKey({ name: "hot-wallet", tags: { team: "payments" } });
    const version = server.vault.find("hot-wallet", "");
    const jwk = version?.jwk("");
    expect(jwk).toMatchObject({ kty: "EC", crv: "P-256K", key_ops: ["sign", "verify"] });
    expect(version?.tags).toEqual({ team: "payments" });
    expect(name).toBe("hot-wallet");
    const { length } = server.log;
    const signer = new RemoteSigner(key);
    expect(await signer.getAddress()).toBe(created);
    expect(recoverAddress(DIGEST, await signer.signDigest(DIGEST))).toBe(created);
    expect(server.log.slice(length).map(({ operation }) => operation)).toEqual(["sign"]);
    expect((await listingOf(store)).stored).toMatchObject([{ address: created, key: { id: key.id } }]);
    await store.close();
  });

  test("makes it in hardware where that is asked for", async () => {
    const store = storeFor(server);
    await store.createKey({ name: "hot-wallet", hardware: true });
    expect(server.vault.find("hot-wallet", "")?.jwk("")).toMatchObject({ kty: "EC-HSM" });
    await store.close();
  });

  test.each([
    ["https://safe.managedhsm.azure.net", undefined, true],
    ["https://treasury.vault.azure.net", undefined, false],
    ["https://treasury.vault.azure.net", true, true],
  ])("in %s with hardware %s asks for hsm %s", async (vaultUrl, hardware, hsm) => {
    const asked: unknown[] = [];
    class Watching extends KeyClient {
      override getKey(...[, options]: Parameters<KeyClient["getKey"]>): never {
        const bodyAsText = JSON.stringify({ error: { code: "KeyNotFound" } });
        const answer = { status: 404, headers: new Headers(), bodyAsText } as unknown as RawResponse;
        options?.onResponse?.(answer, {});
        throw new Error("no such key");
      }
      override createEcKey(...[, options]: Parameters<KeyClient["createEcKey"]>): never {
        asked.push(options);
        throw new Error("no more to see");
      }
    }
    const store = new AzureKeyVaultKeyStore({ client: new Watching(vaultUrl, new StaticCredential()) });
    await failureOf(store.createKey({ name: "hot-wallet", hardware }));
    expect(asked).toMatchObject([{ hsm, curve: "P-256K", keyOps: ["sign", "verify"] }]);
  });

  test("of many at once, as the first calls of all, makes them all", async () => {
    const store = storeFor(server);
    const names = Array.from({ length: 12 }, (_, index) => `key-${index}`);
    const created = await Promise.all(names.map((name) => store.createKey({ name })));
    expect(new Set(created.map((key) => key.address)).size).toBe(names.length);
    expect((await listingOf(store)).stored).toHaveLength(names.length);
    await store.close();
  });

  test("adds the tags that the store lists by, and refuses what it would not list", async () => {
    const store = storeFor(server, { tags: { chain: "ethereum" }, namePrefix: "pay-" });
    await store.createKey({ name: "pay-1", tags: { team: "payments" } });
    expect(namesOf((await listingOf(store)).stored)).toEqual(["pay-1"]);
    const { length } = server.log;
    const refused = { code: "INVALID_ARGUMENT", argument: "name" };
    await expect(store.createKey({ name: "other" })).rejects.toMatchObject(refused);
    const otherTag = store.createKey({ name: "pay-2", tags: { chain: "bitcoin" } });
    await expect(otherTag).rejects.toMatchObject({ ...refused, argument: "tags" });
    await expect(store.createKey({ name: "pay/3" })).rejects.toMatchObject(refused);
    expect(server.log.length).toBe(length);
    await store.close();
  });

  test.each([
    ["a usable key", { privateKey: PRIVATE_KEY }, address],
    ["a disabled key", { enabled: false }, undefined],
    ["a key of another kind", { curve: "P-256" as const }, undefined],
  ])("refuses the name of %s, unless a new version is wanted", async (_name, settings, known) => {
    server.vault.put("hot-wallet", settings);
    const store = storeFor(server);
    await expect(store.createKey({ name: "hot-wallet" })).rejects.toMatchObject({
      code: "KEY_EXISTS",
      retryable: false,
      operation: "createKey",
      message: expect.stringMatching(/already, and nothing was made.*newVersion/),
      info: { existing: { keyId: `${server.url}/keys/hot-wallet`, address: known } },
    });
    expect(server.count("createKey")).toBe(0);
    const created = await store.createKey({ name: "hot-wallet", newVersion: true });
    expect(created.address).not.toBe(address);
    expect(server.vault.versions("hot-wallet")).toHaveLength(2);
    await store.close();
  });

  test("says that a deleted key blocks the name", async () => {
    server.vault.put("hot-wallet");
    server.vault.delete("hot-wallet");
    const store = storeFor(server);
    const blocked = {
      code: "KEY_EXISTS",
      message: expect.stringMatching(/a deleted key has this name.*use another name, recover/),
      info: { innerErrorCode: "ObjectIsDeletedButRecoverable" },
    };
    await expect(store.createKey({ name: "hot-wallet" })).rejects.toMatchObject(blocked);
    await expect(store.importKey(PRIVATE_KEY, { name: "hot-wallet" })).rejects.toMatchObject(blocked);
    await store.close();
  });

  test.each([
    ["createKey", { status: 403, code: "Forbidden", message: "no" }, "ACCESS_DENIED", /keys\/create .*Crypto Officer/],
    ["getKey", { status: 403, code: "Forbidden", message: "no" }, "ACCESS_DENIED", /grant keys\/get /],
    [
      "createKey",
      { status: 400, code: "BadParameter", message: "no" },
      "REQUEST_REJECTED",
      /EC-HSM needs a Premium vault/,
    ],
  ] as const)("an answer of %s with %j is %s", async (operation, fault, code, message) => {
    const store = storeFor(server);
    server.faults.add({ kind: "error", ...fault }, { operation });
    await expect(store.createKey({ name: "hot-wallet" })).rejects.toMatchObject({
      code,
      operation: "createKey",
      message: expect.stringMatching(message),
    });
    await store.close();
  });

  test("a signal ends the look-up, but nothing once the request that makes a key is out", async () => {
    const store = storeFor(server);
    const looking = new AbortController();
    server.faults.add("hang", { operation: "getKey" });
    const lookUp = failureOf(store.createKey({ name: "hot-wallet", signal: looking.signal }));
    await until(() => server.count("getKey") === 1);
    looking.abort();
    expect(await lookUp).toBe(looking.signal.reason);
    expect(server.count("createKey")).toBe(0);
    server.faults.clear();
    const making = new AbortController();
    server.faults.add({ kind: "slow", ms: 50 }, { operation: "createKey" });
    const created = store.createKey({ name: "hot-wallet", signal: making.signal });
    await until(() => server.count("createKey") === 1);
    making.abort();
    expect(await created).toMatchObject({ name: "hot-wallet" });
    await store.close();
  });

  test("no response: the error says that the key may exist, and is not retryable", async () => {
    const store = storeFor(server, { timeout: 300 });
    server.faults.add("hang", { operation: "createKey" });
    const failure = hangFor(
      300,
      () => server.count("createKey") === 1,
      () => failureOf(store.createKey({ name: "hot-wallet" })),
    );
    expect(await failure).toMatchObject({
      ...{ code: "BACKEND_TIMEOUT", retryable: false, keyId: `${server.url}/keys/hot-wallet` },
      ...{ message: expect.stringContaining("The key may have been made"), info: { outcome: "unknown" } },
    });
    // The request that makes a key is not retried after a timeout of the connection: it would make a second version.
    expect(server.count("createKey")).toBe(1);
    await store.close();
  });

  test("two calls with one name at the same time make one key", async () => {
    const store = storeFor(server);
    const calls = [store.createKey({ name: "hot-wallet" }), store.createKey({ name: "HOT-wallet" })];
    const outcomes = await Promise.allSettled(calls);
    expect(outcomes).toMatchObject([{ status: "fulfilled" }, { reason: { code: "KEY_EXISTS" } }]);
    expect(server.vault.versions("hot-wallet")).toHaveLength(1);
    await store.close();
  });
});
