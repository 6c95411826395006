import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { id } from "ethers";
import type { KmsKeyStore, KmsStoreOptions } from "ethers-hsm/aws-kms";
import { type KmsFault, KmsServer } from "../servers/aws-kms/kms-server.ts";
import { UNKNOWN_ACCESS_KEY } from "../servers/aws-kms/signature-v4.ts";
import { hangFor } from "../support/stopped-time.ts";
import { listAll, openStore } from "./store-support.ts";
import { PRIVATE_KEY } from "./support.ts";

let server: KmsServer;
const stores: KmsKeyStore[] = [];

beforeEach(async () => {
  server = await KmsServer.start();
});

afterEach(async () => {
  for (const store of stores.splice(0)) await store.close();
  await server.close();
});

function open(options: KmsStoreOptions = {}): KmsKeyStore {
  const store = openStore(server, { maxAttempts: 1, ...options });
  stores.push(store);
  return store;
}

const denied: KmsFault = { kind: "exception", name: "AccessDeniedException", message: "no policy allows it" };

test("before a listing it is not known whether signing is permitted", async () => {
  server.ring.importKey(PRIVATE_KEY);
  const health = await open().health();
  expect(health).toEqual({ reachable: true, canList: true, canSign: undefined, error: undefined });
  expect(server.requests.map(({ operation, input }) => [operation, input])).toEqual([["ListKeys", { Limit: 1 }]]);
});

test("after a listing a dry run tells, and nothing is signed", async () => {
  for (let index = 0; index < 15; index++) server.ring.importKey(id(`key ${index}`));
  const store = open();
  await listAll(store.list());
  expect(await store.health()).toEqual({ reachable: true, canList: true, canSign: true, error: undefined });
  const signs = server.requests.filter(({ operation }) => operation === "Sign");
  expect(signs).toHaveLength(10);
  for (const { input } of signs) expect(input).toMatchObject({ DryRun: true, MessageType: "DIGEST" });
  expect(server.answered("Sign")).toBe(0);
});

test("signing is refused for one key", async () => {
  for (let index = 0; index < 3; index++) server.ring.importKey(id(`key ${index}`));
  const store = open();
  await listAll(store.list());
  server.faults.add(denied, { operation: "Sign", times: 1 });
  const health = await store.health();
  expect(health).toMatchObject({ reachable: true, canList: true, canSign: false, error: { code: "ACCESS_DENIED" } });
  expect(health.error?.operation).toBe("health");
});

test("a disabled key says nothing of the permission", async () => {
  const key = server.ring.importKey(PRIVATE_KEY);
  const store = open();
  await listAll(store.list());
  key.state = "Disabled";
  const error = { code: "KEY_UNUSABLE", keyId: key.arn };
  expect(await store.health()).toMatchObject({ reachable: true, canList: true, canSign: undefined, error });
});

test("listing is refused, but signing is not", async () => {
  server.ring.importKey(PRIVATE_KEY);
  const store = open();
  await listAll(store.list());
  server.faults.add(denied, { operation: "ListKeys" });
  const error = { code: "ACCESS_DENIED", operation: "health" };
  expect(await store.health()).toMatchObject({ reachable: true, canList: false, canSign: true, error });
});

test("credentials that AWS does not know", async () => {
  const store = open({ credentials: { accessKeyId: UNKNOWN_ACCESS_KEY, secretAccessKey: "x" } });
  expect(await store.health()).toMatchObject({ reachable: true, canList: false, error: { code: "ACCESS_DENIED" } });
});

test("credentials that cannot be had at all say nothing of AWS", async () => {
  const store = open({ credentials: () => Promise.reject(new Error("Could not load credentials")) });
  const health = await store.health();
  expect(health).toMatchObject({ reachable: false, canList: undefined, canSign: undefined });
  expect(health.error).toMatchObject({ code: "ACCESS_DENIED" });
});

test.each<[string, KmsFault, object]>([
  ["throttled", { kind: "throttle" }, { reachable: true, canList: undefined, error: { code: "THROTTLED" } }],
  ["reset", { kind: "reset" }, { reachable: false, canList: undefined, error: { code: "BACKEND_UNAVAILABLE" } }],
  ["no answer", { kind: "hang" }, { reachable: false, canList: undefined, error: { code: "BACKEND_TIMEOUT" } }],
])("%s", async (_name, fault, expected) => {
  server.faults.add(fault);
  const ask = () => open().health();
  const health = fault.kind === "hang" ? hangFor(60_000, () => server.requests.length > 0, ask) : ask();
  expect(await health).toMatchObject({ ...expected, canSign: undefined });
});
