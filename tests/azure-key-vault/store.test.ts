import { KeyClient } from "@azure/keyvault-keys";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { recoverAddress, Wallet } from "ethers";
import { AzureKeyVaultKey, AzureKeyVaultKeyStore } from "../../src/azure-key-vault/index.ts";
import { RemoteSigner } from "../../src/signer/remote-signer.ts";
import type { KeyVaultServer } from "../servers/azure-key-vault/server.ts";
import { PRIVATE_KEY, StaticCredential } from "./setup.ts";
import { listingOf, namesOf, putMany, startEmptyServer, storeFor } from "./store-setup.ts";

const { address } = new Wallet(PRIVATE_KEY);
const DIGEST = new Uint8Array(32).fill(9);
const HOUR = 3_600;
const now = () => Math.floor(Date.now() / 1000);

let server: KeyVaultServer;
beforeEach(async () => {
  server = await startEmptyServer();
});
afterEach(async () => {
  await server.close();
});

describe("options", () => {
  test("name the vault, and construct without a request", () => {
    const store = storeFor(server);
    expect(store.backend).toBe("azure-key-vault");
    expect(store.id).toBe(server.url);
    expect(new AzureKeyVaultKeyStore({ vaultName: "treasury", credential: new StaticCredential() }).id).toBe(
      "https://treasury.vault.azure.net",
    );
    expect(server.log).toEqual([]);
  });

  test.each<[string, Record<string, unknown>, string]>([
    ["no vault", { vaultUrl: undefined }, "vaultUrl"],
    ["no credential", { credential: undefined }, "credential"],
    ["a client that lists nothing", { client: { vaultUrl: "https://x.vault.azure.net" } }, "credential"],
    ["a prefix that no name has", { namePrefix: "a/b" }, "namePrefix"],
    ["a tag that is not a string", { tags: { chain: 1 } }, "tags"],
    ["no concurrency", { concurrency: 0 }, "concurrency"],
    ["too much of it", { concurrency: 51 }, "concurrency"],
    ["a timeout that no timer has", { timeout: 0 }, "timeout"],
  ])("%s is INVALID_ARGUMENT", (_name, options, argument) => {
    expect(() => storeFor(server, options)).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT", argument }));
  });
});

describe("a listing", () => {
  test("of an empty vault is empty", async () => {
    const store = storeFor(server);
    expect(await listingOf(store)).toEqual({ stored: [], failed: [] });
    await store.close();
  });

  test("gives keys that need no further request for their address, and sign by their version", async () => {
    server.vault.put("hot-wallet", { privateKey: PRIVATE_KEY });
    server.vault.put("old", { curve: "SECP256K1" });
    const store = storeFor(server);
    const { stored } = await listingOf(store);
    expect(namesOf(stored)).toEqual(["hot-wallet", "old"]);
    expect(server.count("getKey")).toBe(2);
    for (const { key, address: known } of stored) {
      expect(key).toBeInstanceOf(AzureKeyVaultKey);
      const signer = new RemoteSigner(key);
      expect(await signer.getAddress()).toBe(known);
      expect(recoverAddress(DIGEST, await signer.signDigest(DIGEST))).toBe(known);
    }
    expect(stored[0]).toMatchObject({ address, key: { id: `${server.url}/keys/hot-wallet` } });
    expect(server.count("getKey")).toBe(2);
    expect(server.count("challenge")).toBe(1);
    const { pathname } = new URL(server.kid("hot-wallet"));
    expect(server.log.find(({ operation }) => operation === "sign")?.path).toBe(`${pathname}/sign`);
    await store.close();
  });

  test("leaves other types and curves out, and reports what cannot sign now or not be read", async () => {
    server.vault.put("good", { nbf: now() - HOUR, exp: now() + HOUR });
    server.vault.put("rsa", { curve: "RSA" });
    server.vault.put("p-256", { curve: "P-256" });
    server.vault.put("disabled", { enabled: false });
    server.vault.put("early", { nbf: now() + HOUR });
    server.vault.put("expired", { exp: now() - HOUR });
    server.vault.put("verify-only", { keyOps: ["verify"] });
    const store = storeFor(server);
    const { stored, failed } = await listingOf(store);
    expect(namesOf(stored)).toEqual(["good"]);
    expect(namesOf(failed)).toEqual(["disabled", "early", "expired", "verify-only"]);
    for (const { id, name, error } of failed) {
      expect(id).toBe(`${server.url}/keys/${name}`);
      expect(error).toMatchObject({ code: "KEY_UNUSABLE", backend: "azure-key-vault", keyId: id, operation: "list" });
    }
    await store.close();
  });

  test.each([
    [{ kind: "error", status: 403, code: "Forbidden", innerCode: "ForbiddenByRbac", message: "no" }, "ACCESS_DENIED"],
    [{ kind: "error", status: 500, code: "InternalServerError", message: "down" }, "BACKEND_UNAVAILABLE"],
    [{ kind: "reply", reply: { status: 418 } }, "BACKEND_RESPONSE_INVALID"],
  ] as const)("one key that answers %j does not end it", async (fault, code) => {
    putMany(server, 30);
    const store = storeFor(server, { concurrency: 1, retryOptions: { maxRetries: 0 } });
    server.faults.add(fault, { operation: "getKey", times: 1 });
    const { stored, failed } = await listingOf(store);
    expect(stored).toHaveLength(29);
    expect(failed).toMatchObject([
      { name: "key-0", error: { code, operation: "list", keyId: `${store.id}/keys/key-0` } },
    ]);
    await store.close();
  });

  test("leaves a key out that was deleted meanwhile", async () => {
    putMany(server, 3);
    const store = storeFor(server, { concurrency: 1 });
    const listing = store.list();
    await listing.next();
    server.vault.delete("key-2");
    const rest: unknown[] = [];
    for await (const listed of listing) rest.push(listed);
    expect(rest).toMatchObject([{ name: "key-1" }]);
    await store.close();
  });

  test("asks only for keys with the tags and the prefix", async () => {
    const tags = { chain: "ethereum", team: "payments" };
    server.vault.put("pay-1", { tags });
    server.vault.put("PAY-2", { tags: { ...tags, more: "x" } });
    server.vault.put("pay-3", { tags: { chain: "ethereum" } });
    server.vault.put("pay-4");
    server.vault.put("other", { tags });
    const store = storeFor(server, { tags, namePrefix: "pay-" });
    expect(namesOf((await listingOf(store)).stored)).toEqual(["PAY-2", "pay-1"]);
    expect(server.count("getKey")).toBe(2);
    await store.close();
  });

  test("sees a rotation, and leaves the keys of the former one as they are", async () => {
    server.vault.put("hot-wallet", { privateKey: PRIVATE_KEY });
    server.vault.put("quiet");
    const store = storeFor(server);
    const before = await listingOf(store);
    server.vault.rotate("hot-wallet");
    const after = await listingOf(store);
    expect(before.stored[0]).toMatchObject({ name: "hot-wallet", address });
    expect(after.stored[0]?.address).not.toBe(address);
    expect(after.stored[0]?.key.id).toBe(before.stored[0]?.key.id);
    expect(after.stored[1]?.address).toBe(before.stored[1]?.address);
    for (const { key, address: known } of [...before.stored, ...after.stored]) {
      expect(recoverAddress(DIGEST, await new RemoteSigner(key).signDigest(DIGEST))).toBe(known);
    }
    const former = before.stored[0]?.key as AzureKeyVaultKey | undefined;
    await expect(former?.verifyIdentity()).rejects.toMatchObject({ code: "KEY_CHANGED" });
    await store.close();
  });

  test("works with a client of the caller's own, which it does not close", async () => {
    putMany(server, 60);
    const client = new KeyClient(server.url, new StaticCredential(), {
      allowInsecureConnection: true,
      disableChallengeResourceVerification: true,
    });
    const store = new AzureKeyVaultKeyStore({ client });
    expect((await listingOf(store)).stored).toHaveLength(60);
    await store.close();
    await client.getKey("key-0");
  });
});
