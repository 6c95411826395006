import { afterEach, expect, test } from "@jest/globals";
import { id, Wallet } from "ethers";
import { KmsServer } from "../servers/aws-kms/kms-server.ts";
import { listAll, openStore } from "./store-support.ts";

const KEYS = 1_000;
const OTHERS = 3_000;
const CONCURRENCY = 10;

let server: KmsServer;

afterEach(async () => {
  await server.close();
});

test("1,000 keys among 3,000 others, 1 % throttled and 1 % forbidden: complete, and few requests at once", async () => {
  server = await KmsServer.start({ seed: 20_260_101, latencyMs: 1 });
  const { ring } = server;
  const expected: string[] = [];
  const forbidden: string[] = [];
  // Mixed, so that each page holds all kinds.
  for (let index = 0; index < KEYS; index++) {
    const privateKey = id(`key ${index}`);
    const key = ring.importKey(privateKey);
    ring.putAlias(`alias/key-${index}`, key);
    const denied = index % 100 === 50;
    if (denied) forbidden.push(key.arn);
    else expected.push(new Wallet(privateKey).address);
    const others = [ring.createKey("SYMMETRIC_DEFAULT"), ring.createKey("SYMMETRIC_DEFAULT")];
    for (const other of denied ? [key, ...others] : []) other.grantToken = "needed";
    if (denied) forbidden.push(...others.map(({ arn }) => arn));
    ring.createKey(index % 10 === 0 ? "ECC_NIST_P256" : "SYMMETRIC_DEFAULT");
  }
  expect(ring.keys).toHaveLength(KEYS + OTHERS);
  server.faults.add({ kind: "throttle" }, { probability: 0.01 });
  // Three attempts would let one key of 10⁶ fail for each request.
  const store = openStore(server, { concurrency: CONCURRENCY, maxAttempts: 8 });

  const first = await listAll(store.list());
  expect(first.stored.map(({ address }) => address).sort()).toEqual(expected.sort());
  expect(first.failed.map((failed) => failed.id).sort()).toEqual(forbidden.sort());
  for (const { error } of first.failed) expect(error.code).toBe("ACCESS_DENIED");
  expect(server.answered("ListKeys")).toBe(4);
  expect(server.answered("ListAliases")).toBe(10);
  expect(server.answered("GetPublicKey")).toBe(expected.length);
  expect(server.count("Sign")).toBe(0);
  expect(server.maxInFlight).toBeGreaterThan(1);
  expect(server.maxInFlight).toBeLessThanOrEqual(CONCURRENCY);
  const described = server.answered("DescribeKey");
  expect(described).toBe(KEYS + OTHERS - forbidden.length);

  const second = await listAll(store.list());
  expect(second.stored).toHaveLength(expected.length);
  expect(second.failed).toHaveLength(forbidden.length);
  expect(server.answered("GetPublicKey")).toBe(expected.length);
  // Of other kinds none is asked for again.
  expect(server.answered("DescribeKey") - described).toBe(expected.length);
  await store.close();
}, 600_000);

test("a slow consumer holds the work up: no more keys are read ahead than may be in flight", async () => {
  server = await KmsServer.start();
  for (let index = 0; index < 50; index++) server.ring.importKey(id(`key ${index}`));
  const store = openStore(server, { concurrency: 5 });
  let taken = 0;
  for await (const _listed of store.list()) {
    taken++;
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(server.count("DescribeKey")).toBeLessThanOrEqual(taken + 5);
  }
  expect(taken).toBe(50);
  await store.close();
});
