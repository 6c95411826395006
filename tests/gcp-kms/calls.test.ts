import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { recoverAddress, Wallet } from "ethers";
import { GcpKmsKeyStore } from "../../src/gcp-kms/index.ts";
import type { GcpKmsServer } from "../servers/gcp-kms/server.ts";
import { passTime, stopTime } from "../support/stopped-time.ts";
import { until } from "../support/until.ts";
import { PRIVATE_KEY, RING, signerFor, startServer, TRANSPORTS, tokenAuth, VERSION, wayTo } from "./setup.ts";

const { address } = new Wallet(PRIVATE_KEY);
const DIGEST = new Uint8Array(32).fill(2);
const TIMEOUT = 3_000;

stopTime();

let server: GcpKmsServer;
beforeEach(async () => {
  server = await startServer({ grpc: true });
});
afterEach(async () => {
  await server.close();
});

async function failureOf(action: Promise<unknown>): Promise<unknown> {
  return action.then(
    () => undefined,
    (reason: unknown) => reason,
  );
}

describe.each(TRANSPORTS)("by %s", (transport) => {
  const signer = (timeout = TIMEOUT) => signerFor(server, { ...wayTo(server, transport), timeout });

  test("one lost connection is given up after a third of the timeout, and the request repeated", async () => {
    const each = signer();
    await each.getAddress();
    server.faults.add("hang", { operation: "asymmetricSign", times: 1 });
    const signing = each.signDigest(DIGEST);
    signing.catch(() => undefined);
    await until(() => server.count("asymmetricSign") === 1);
    await passTime(TIMEOUT / 3);
    await passTime(250);
    expect(recoverAddress(DIGEST, await signing)).toBe(address);
  });

  test("a server that never answers costs the timeout, and the next call works", async () => {
    const each = signer();
    await each.getAddress();
    server.faults.add("hang", { operation: "asymmetricSign" });
    const signing = failureOf(each.signDigest(DIGEST));
    await until(() => server.count("asymmetricSign") === 1);
    await passTime(TIMEOUT);
    expect(await signing).toMatchObject({ code: "BACKEND_TIMEOUT", retryable: true, keyId: VERSION });
    server.faults.clear();
    expect(recoverAddress(DIGEST, await each.signDigest(DIGEST))).toBe(address);
  });

  test("a signal ends the wait at once with its reason, and the next call works", async () => {
    const each = signer();
    await each.getAddress();
    server.faults.add("hang", { operation: "asymmetricSign", times: 1 });
    const controller = new AbortController();
    const reason = new Error("changed my mind");
    const signing = failureOf(each.signDigest(DIGEST, { signal: controller.signal }));
    await until(() => server.count("asymmetricSign") === 1);
    controller.abort(reason);
    expect(await signing).toBe(reason);
    await passTime(10 * TIMEOUT);
    expect(server.count("asymmetricSign")).toBe(1);
    expect(recoverAddress(DIGEST, await each.signDigest(DIGEST))).toBe(address);
  });

  test("close waits for what is in flight, and every later call is SIGNER_CLOSED", async () => {
    const each = signer();
    await each.getAddress();
    server.faults.add({ kind: "slow", ms: 100 }, { operation: "asymmetricSign" });
    const signing = each.signDigest(DIGEST);
    await until(() => server.count("asymmetricSign") === 1);
    const closing = each.close();
    await passTime(100);
    expect(recoverAddress(DIGEST, await signing)).toBe(address);
    await closing;
    await expect(each.signDigest(DIGEST)).rejects.toMatchObject({ code: "SIGNER_CLOSED" });
    await expect(each.verifyKey()).rejects.toMatchObject({ code: "SIGNER_CLOSED" });
  });
});

test("retries wait for random, growing times, and end after five", async () => {
  jest.spyOn(Math, "random").mockReturnValue(0.5);
  const signer = signerFor(server);
  await signer.getAddress();
  server.faults.add({ kind: "throttle" }, { operation: "asymmetricSign" });
  const signing = failureOf(signer.signDigest(DIGEST));
  for (const [index, ms] of [125, 250, 500, 1_000, 2_000].entries()) {
    await until(() => server.count("asymmetricSign") === index + 1 && jest.getTimerCount() > 1);
    await passTime(ms);
  }
  expect(await signing).toMatchObject({ code: "THROTTLED" });
  expect(server.count("asymmetricSign")).toBe(6);
});

test("credentials that never come cost the timeout, and the next call asks again", async () => {
  let asked = 0;
  const auth = tokenAuth();
  const hanging = {
    getRequestHeaders: () => (++asked <= 3 ? new Promise<never>(() => undefined) : auth.getRequestHeaders()),
  };
  const signer = signerFor(server, { auth: hanging, timeout: TIMEOUT });
  const failing = failureOf(signer.getAddress());
  await until(() => asked === 1);
  await passTime(TIMEOUT);
  expect(await failing).toMatchObject({ code: "BACKEND_TIMEOUT", retryable: true });
  asked = 3;
  expect(await signer.getAddress()).toBe(address);
});

test("of a store: aborting ends a listing with the reason", async () => {
  const other = new GcpKmsKeyStore({ ...wayTo(server), parent: RING });
  const controller = new AbortController();
  server.faults.add("hang", { operation: "listCryptoKeys" });
  const listing = failureOf(other.list({ signal: controller.signal }).next());
  await until(() => server.count("listCryptoKeys") === 1);
  const reason = new Error("enough");
  controller.abort(reason);
  expect(await listing).toBe(reason);
});
