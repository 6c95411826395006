import { KMSClient } from "@aws-sdk/client-kms";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { id } from "ethers";
import { RemoteSigner } from "ethers-hsm";
import { isStoredKey, type ListedKey } from "../../src/accounts/key-store.ts";
import { KmsServer } from "../servers/aws-kms/kms-server.ts";
import { hangFor } from "../support/stopped-time.ts";
import { until } from "../support/until.ts";
import { listAll, openStore } from "./store-support.ts";
import { CREDENTIALS, DIGEST, rejectionOf } from "./support.ts";

const KEYS = 40;

let server: KmsServer;
const unhandled: unknown[] = [];
const note = (reason: unknown) => unhandled.push(reason);

beforeEach(async () => {
  server = await KmsServer.start();
  for (let index = 0; index < KEYS; index++) server.ring.importKey(id(`key ${index}`));
  process.on("unhandledRejection", note);
});

afterEach(async () => {
  // Node reports them after the microtasks of a turn.
  await new Promise((resolve) => setTimeout(resolve, 10));
  process.off("unhandledRejection", note);
  expect(unhandled.splice(0)).toEqual([]);
  await server.close();
});

test("to leave the loop ends what is under way", async () => {
  const store = openStore(server, { concurrency: 5 });
  // The first key is refused; all that follow hang.
  server.faults.add({ kind: "hang" }, { operation: "GetPublicKey" });
  server.faults.add({ kind: "exception", name: "AccessDeniedException" }, { operation: "DescribeKey", times: 1 });
  for await (const listed of store.list()) {
    expect(isStoredKey(listed)).toBe(false);
    break;
  }
  await until(() => server.openConnections <= 1);
  const before = server.requests.length;
  server.faults.clear();
  await store.close();
  expect(server.requests).toHaveLength(before);
});

test("abort: the listing rejects with the reason, and so does one that has not begun", async () => {
  const store = openStore(server, { concurrency: 5 });
  server.faults.add({ kind: "hang" }, { operation: "DescribeKey" });
  const controller = new AbortController();
  const listing = rejectionOf(listAll(store.list({ signal: controller.signal })));
  await until(() => server.count("DescribeKey") === 5);
  const reason = new Error("enough");
  controller.abort(reason);
  expect(await listing).toBe(reason);
  expect(await rejectionOf(listAll(store.list({ signal: controller.signal })))).toBe(reason);
  await until(() => server.openConnections <= 1);
  server.faults.clear();
  expect((await listAll(store.list())).stored).toHaveLength(KEYS);
  await store.close();
});

test("abort in the loop's body: no key follows", async () => {
  const store = openStore(server);
  const controller = new AbortController();
  let count = 0;
  const listing = async () => {
    for await (const _listed of store.list({ signal: controller.signal })) {
      count++;
      controller.abort();
    }
  };
  expect(await rejectionOf(listing())).toBe(controller.signal.reason);
  expect(count).toBe(1);
  await store.close();
});

test("a key that does not answer is reported at the end of its time, and the others are found", async () => {
  // Without retries: the SDK retries a request that has no response.
  const store = openStore(server, { maxAttempts: 1 });
  server.faults.add({ kind: "hang" }, { operation: "GetPublicKey", times: 1 });
  const listed: ListedKey[] = [];
  const hasOthers = () => listed.length === KEYS - 1;
  await hangFor(60_000, hasOthers, async () => {
    for await (const each of store.list()) listed.push(each);
  });
  const failed = listed.filter((each) => !isStoredKey(each));
  expect(listed).toHaveLength(KEYS);
  expect(failed).toMatchObject([{ error: { code: "BACKEND_TIMEOUT", operation: "list", retryable: true } }]);
  server.faults.clear();
  server.faults.add({ kind: "hang" }, { operation: "ListKeys" });
  const before = server.count("ListKeys");
  const listing = hangFor(
    60_000,
    () => server.count("ListKeys") > before,
    () => rejectionOf(listAll(store.list())),
  );
  expect(await listing).toMatchObject({ code: "BACKEND_TIMEOUT", operation: "list" });
  await store.close();
});

test("a store that goes away and comes back", async () => {
  const store = openStore(server, { maxAttempts: 1 });
  const { stored } = await listAll(store.list());
  server.faults.add({ kind: "reset" });
  const away = await rejectionOf(listAll(store.list()));
  expect(away).toMatchObject({ code: "BACKEND_UNAVAILABLE", operation: "list", retryable: true });
  expect(await store.health()).toMatchObject({ reachable: false, canList: undefined, canSign: undefined });
  server.faults.clear();
  // It goes away in the middle.
  server.faults.add({ kind: "reset" }, { operation: "DescribeKey" });
  const partly = await listAll(store.list());
  expect(partly.stored).toEqual([]);
  expect(partly.failed).toHaveLength(KEYS);
  for (const { error } of partly.failed) expect(error).toMatchObject({ code: "BACKEND_UNAVAILABLE", retryable: true });
  server.faults.clear();
  expect((await listAll(store.list())).stored).toHaveLength(KEYS);
  expect(server.count("GetPublicKey")).toBe(KEYS);
  const [first] = stored;
  if (!first) throw new Error("no key");
  expect((await new RemoteSigner(first.key).signDigest(DIGEST)).isValid()).toBe(true);
  await store.close();
});

test("closing the store ends its connections", async () => {
  const store = openStore(server);
  await listAll(store.list());
  await store.close();
  await until(() => server.openConnections === 0);
});

test("a store that is closed in the middle of a listing", async () => {
  const store = openStore(server, { concurrency: 2 });
  const listing = async () => {
    for await (const _listed of store.list()) await store.close();
  };
  expect(await rejectionOf(listing())).toMatchObject({ code: "SIGNER_CLOSED" });
});

test("a client of one's own is left open", async () => {
  const client = new KMSClient({ region: server.region, endpoint: server.url, credentials: CREDENTIALS });
  const options = { client, region: undefined, endpoint: undefined, credentials: undefined };
  const store = openStore(server, options);
  expect((await listAll(store.list())).stored).toHaveLength(KEYS);
  await store.close();
  const other = openStore(server, options);
  expect((await listAll(other.list())).stored).toHaveLength(KEYS);
  await other.close();
  client.destroy();
});
