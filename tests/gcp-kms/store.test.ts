import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { hexlify, recoverAddress, Wallet } from "ethers";
import { isStoredKey, type ListedKey } from "../../src/accounts/key-store.ts";
import { GcpKmsKeyStore, type GcpKmsStoreOptions } from "../../src/gcp-kms/index.ts";
import { RemoteSigner } from "../../src/signer/remote-signer.ts";
import type { GcpKmsFault } from "../servers/gcp-kms/faults.ts";
import type { GcpKmsServer } from "../servers/gcp-kms/server.ts";
import { KEY, LOCATION, PRIVATE_KEY, RING, startEmptyServer, TRANSPORTS, wayTo } from "./setup.ts";

const { address } = new Wallet(PRIVATE_KEY);
const DIGEST = new Uint8Array(32).fill(3);
const NAME = "treasury";

let server: GcpKmsServer;
beforeAll(async () => {
  server = await startEmptyServer({ grpc: true });
});
beforeEach(() => {
  server.faults.clear();
  server.log.length = 0;
  server.rings.reset();
  server.rings.addRing(RING);
  server.rings.pendingRequests = 1;
  Object.assign(server.pages, { limit: 1_000, empty: false });
});
afterAll(async () => {
  await server.close();
});

const storeFor = (others: Partial<GcpKmsStoreOptions> = {}) =>
  new GcpKmsKeyStore({ ...wayTo(server), parent: LOCATION, ...others });

async function listingOf(store: GcpKmsKeyStore): Promise<ListedKey[]> {
  const listed: ListedKey[] = [];
  for await (const each of store.list()) listed.push(each);
  return listed;
}

async function failureOf(action: Promise<unknown>): Promise<unknown> {
  return action.then(
    () => undefined,
    (reason: unknown) => reason,
  );
}

const idsOf = (listed: readonly ListedKey[]) =>
  listed.map((each) => (isStoredKey(each) ? each.key.id : each.id)).sort();

describe.each(TRANSPORTS)("by %s", (transport) => {
  const store = (others: Partial<GcpKmsStoreOptions> = {}) => {
    return new GcpKmsKeyStore({ ...wayTo(server, transport), parent: LOCATION, ...others });
  };

  test("list: every version of every ring is an account; the others are not part of it", async () => {
    server.rings.add(KEY, { privateKey: PRIVATE_KEY, versions: 2 });
    server.rings.add(`${LOCATION}/keyRings/other/cryptoKeys/hot`);
    server.rings.add(`${LOCATION}-b/keyRings/elsewhere/cryptoKeys/hot`);
    server.rings.add(`${RING}/cryptoKeys/p256`, { algorithm: "EC_SIGN_P256_SHA256" });
    server.rings.add(`${RING}/cryptoKeys/software`, { algorithm: "EC_SIGN_P256_SHA256", protectionLevel: "SOFTWARE" });
    server.rings.add(`${RING}/cryptoKeys/symmetric`, { algorithm: "GOOGLE_SYMMETRIC_ENCRYPTION" });
    Object.assign(server.pages, { limit: 1, empty: true });
    const each = store({ concurrency: 2 });
    const listed = await listingOf(each);
    const expected = [
      `${KEY}/cryptoKeyVersions/1`,
      `${KEY}/cryptoKeyVersions/2`,
      `${LOCATION}/keyRings/other/cryptoKeys/hot/cryptoKeyVersions/1`,
    ];
    expect(idsOf(listed)).toEqual(expected);
    const first = listed.find((key) => isStoredKey(key) && key.key.id === expected[0]);
    expect(first).toMatchObject({ name: NAME, address });
    const fetched = server.count("getPublicKey");
    expect(await listingOf(each)).toHaveLength(3);
    expect(server.count("getPublicKey")).toBe(fetched);
    if (first && isStoredKey(first))
      expect(recoverAddress(DIGEST, await new RemoteSigner(first.key).signDigest(DIGEST))).toBe(address);
  });

  test("createKey makes an HSM key, waits for it, and it signs", async () => {
    const options = { name: NAME, keyRing: "eth", tags: { team: "payments" }, destroyScheduledDuration: 86_400 };
    const stored = await store({ tags: { env: "prod" } }).createKey(options);
    expect(stored).toMatchObject({ name: NAME, key: { id: `${KEY}/cryptoKeyVersions/1` } });
    expect(server.rings.key(KEY)).toMatchObject({
      ...{ protectionLevel: "HSM", algorithm: "EC_SIGN_SECP256K1_SHA256", labels: { team: "payments", env: "prod" } },
      destroyScheduledDuration: "86400s",
    });
    expect(recoverAddress(DIGEST, await new RemoteSigner(stored.key).signDigest(DIGEST))).toBe(stored.address);
  });

  test("importKey of an account arrives at its address, proven by one signature", async () => {
    const stored = await store().importKey(PRIVATE_KEY, {
      name: NAME,
      keyRing: "eth",
      expectedAddress: address.toLowerCase(),
    });
    expect(stored.address).toBe(address);
    expect(server.count("asymmetricSign")).toBe(1);
    expect(server.rings.key(KEY)).toMatchObject({ importOnly: true, protectionLevel: "HSM" });
    expect(JSON.stringify(server.log)).not.toContain(PRIVATE_KEY.slice(2));
  });

  test("a name that is taken is KEY_EXISTS, and nothing is made", async () => {
    server.rings.add(KEY);
    for (const make of [
      store().createKey({ name: NAME, keyRing: "eth" }),
      store().importKey(PRIVATE_KEY, { name: NAME, keyRing: "eth" }),
    ]) {
      expect(await failureOf(make)).toMatchObject({ code: "KEY_EXISTS", retryable: false });
    }
    expect(server.rings.key(KEY).versions).toHaveLength(1);
    expect(server.rings.jobs.size).toBe(0);
  });
});

test("ten imports arrive at ethers' addresses", async () => {
  const store = storeFor({ parent: RING });
  for (let index = 0; index < 10; index++) {
    const wallet = Wallet.createRandom();
    const bytes = Buffer.from(wallet.privateKey.slice(2), "hex");
    const stored = await store.importKey(index % 2 ? bytes : wallet.privateKey, { name: `account-${index}` });
    expect(stored.address).toBe(wallet.address);
    // The caller's own bytes are not touched.
    expect(hexlify(bytes)).toBe(wallet.privateKey);
  }
  expect(await listingOf(store)).toHaveLength(10);
});

test.each<[string, GcpKmsFault, string, string]>([
  ["the import job", { kind: "error", status: "PERMISSION_DENIED" }, "createImportJob", "ACCESS_DENIED"],
  ["the import", { kind: "error", status: "UNAVAILABLE" }, "importCryptoKeyVersion", "BACKEND_UNAVAILABLE"],
  ["the proof", { kind: "sign", change: { der: new Uint8Array(8) } }, "asymmetricSign", "BACKEND_RESPONSE_INVALID"],
  ["the public key", { kind: "fields", fields: { algorithm: "EC_SIGN_P256_SHA256" } }, "getPublicKey", "KEY_UNUSABLE"],
])("an import that fails at %s names the key", async (_name, fault, operation, code) => {
  server.faults.add(fault, { operation });
  const createdKeyId = `${KEY}/cryptoKeyVersions/1`;
  expect(await failureOf(storeFor().importKey(PRIVATE_KEY, { name: NAME, keyRing: "eth" }))).toMatchObject({
    ...{ code, retryable: false, keyId: createdKeyId, info: { createdKeyId } },
    message: expect.stringMatching(/was made, but .*gcloud kms keys versions list/),
  });
  expect(server.count("createCryptoKey")).toBe(1);
  expect(server.count(operation as "createImportJob")).toBeGreaterThan(0);
});

test("a request that makes something is repeated only if it was throttled", async () => {
  server.faults.add({ kind: "throttle" }, { operation: "createCryptoKey", times: 1 });
  await storeFor().createKey({ name: NAME, keyRing: "eth" });
  server.faults.add("reset", { operation: "createCryptoKey", times: 1 });
  expect(await failureOf(storeFor().createKey({ name: "b", keyRing: "eth" }))).toMatchObject({
    code: "BACKEND_UNAVAILABLE",
  });
  expect(server.count("createCryptoKey")).toBe(3);
});

test("a signal holds until the key is being made", async () => {
  const reason = new Error("no");
  const options = { name: NAME, keyRing: "eth", signal: AbortSignal.abort(reason) };
  expect(await failureOf(storeFor().createKey(options))).toBe(reason);
  expect(server.count()).toBe(0);
});

test.each(["DISABLED", "DESTROY_SCHEDULED", "PENDING_GENERATION", "IMPORT_FAILED"] as const)(
  "a version that is %s is listed with the reason",
  async (state) => {
    const key = server.rings.add(KEY, { versions: 0 });
    server.rings.awaitVersion(key, state);
    const [listed] = await listingOf(storeFor());
    expect(listed).toMatchObject({
      id: `${KEY}/cryptoKeyVersions/1`,
      name: NAME,
      error: { code: "KEY_UNUSABLE", info: { keyState: state } },
    });
    expect((listed as { error: Error }).error.message).toContain(state);
  },
);

test("a destroyed version is not listed", async () => {
  server.rings.awaitVersion(server.rings.add(KEY, { versions: 0 }), "DESTROYED");
  expect(await listingOf(storeFor())).toEqual([]);
});

test("prefix and labels decide which keys are listed, and which can be made", async () => {
  server.rings.add(KEY, { labels: { team: "a" } });
  server.rings.add(`${RING}/cryptoKeys/other`, { labels: { team: "b" } });
  expect(idsOf(await listingOf(storeFor({ namePrefix: "tre" })))).toEqual([`${KEY}/cryptoKeyVersions/1`]);
  expect(idsOf(await listingOf(storeFor({ tags: { team: "b" } })))).toEqual([
    `${RING}/cryptoKeys/other/cryptoKeyVersions/1`,
  ]);
  for (const [options, argument] of [
    [{ name: "x" }, "name"],
    [{ name: "tre", keyRing: "a/b" }, "keyRing"],
    [{ name: "tre" }, "keyRing"],
    [{ name: "tre-/" }, "name"],
    [{ name: "tre", keyRing: "eth", tags: { team: "b" } }, "tags"],
  ] as const) {
    await expect(storeFor({ namePrefix: "tre", tags: { team: "a" } }).createKey(options)).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      argument,
    });
  }
});

test("one key that may not be read does not end the listing; a listing that may not be read does", async () => {
  server.rings.add(KEY);
  server.rings.add(`${RING}/cryptoKeys/other`);
  server.faults.add({ kind: "error", status: "PERMISSION_DENIED" }, { operation: "getPublicKey", times: 1 });
  const listed = await listingOf(storeFor({ concurrency: 1 }));
  expect(listed.map((each) => (isStoredKey(each) ? "usable" : each.error.code)).sort()).toEqual([
    "ACCESS_DENIED",
    "usable",
  ]);
  server.faults.clear();
  for (const [operation, status, code] of [
    ["listKeyRings", "PERMISSION_DENIED", "ACCESS_DENIED"],
    ["listCryptoKeys", "PERMISSION_DENIED", "ACCESS_DENIED"],
    ["getPublicKey", "UNAUTHENTICATED", "ACCESS_DENIED"],
  ] as const) {
    server.faults.add({ kind: "error", status }, { operation });
    expect(await failureOf(listingOf(storeFor()))).toMatchObject({ code, operation: "list" });
    server.faults.clear();
  }
});

test.each<[string, Record<string, unknown>]>([
  ["keys that are no list", { cryptoKeys: 5 }],
  ["a key of another ring", { cryptoKeys: [{ name: `${LOCATION}/keyRings/x/cryptoKeys/y` }] }],
  ["a token that is a number", { nextPageToken: 5 }],
  ["the same token for ever", { nextPageToken: "0.0" }],
])("a page with %s ends the listing", async (_name, fields) => {
  server.rings.add(KEY);
  server.faults.add({ kind: "fields", fields }, { operation: "listCryptoKeys" });
  expect(await failureOf(listingOf(storeFor()))).toMatchObject({ code: "BACKEND_RESPONSE_INVALID" });
});

test("health: reachable, what may be listed, and whether the known keys may sign", async () => {
  server.rings.add(KEY);
  const store = storeFor();
  expect(await store.health()).toMatchObject({ reachable: true, canList: true, canSign: undefined });
  await listingOf(store);
  expect(await store.health()).toMatchObject({ reachable: true, canList: true, canSign: true, error: undefined });
  server.permissions.delete("cloudkms.cryptoKeyVersions.useToSign");
  expect(await store.health()).toMatchObject({ canSign: false, error: { code: "ACCESS_DENIED" } });
  server.permissions.add("cloudkms.cryptoKeyVersions.useToSign");
  server.faults.add({ kind: "error", status: "PERMISSION_DENIED" }, { operation: "listKeyRings" });
  expect(await store.health()).toMatchObject({ reachable: true, canList: false, error: { code: "ACCESS_DENIED" } });
  const elsewhere = new GcpKmsKeyStore({
    ...wayTo(server),
    endpoint: "http://127.0.0.1:9",
    parent: RING,
    timeout: 300,
  });
  expect(await elsewhere.health()).toMatchObject({ reachable: false, canList: undefined });
  expect(server.count("asymmetricSign")).toBe(0);
});
