import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { Wallet } from "ethers";
import { KmsSigner } from "ethers-hsm/aws-kms";
import { passTime, stopTime } from "../support/stopped-time.ts";
import { until } from "../support/until.ts";
import { DIGEST, type Kms, PRIVATE_KEY, rejectionOf, startKms } from "./support.ts";

const ADDRESS = new Wallet(PRIVATE_KEY).address;
const TIMEOUT = 500;

let kms: Kms;
let signer: KmsSigner;

stopTime();

beforeEach(async () => {
  kms = await startKms();
  signer = new KmsSigner({ ...kms.options(), timeout: TIMEOUT });
});

afterEach(async () => {
  await signer.close();
  await kms.server.close();
});

/** What `call` rejects with when its time has passed, once its request has reached the server. */
async function timedOut(call: Promise<unknown>, operation: string): Promise<unknown> {
  const rejection = rejectionOf(call);
  const before = kms.server.count(operation);
  await until(() => kms.server.count(operation) > before);
  await passTime(TIMEOUT);
  return rejection;
}

describe("a server that accepts and never answers", () => {
  test.each(["GetPublicKey", "Sign"])(
    "%s costs the timeout, leaves no socket, and the next call works",
    async (operation) => {
      if (operation === "Sign") await signer.getAddress();
      const before = kms.server.openConnections;
      kms.server.faults.add({ kind: "hang" }, { operation, times: 1 });
      const error = await timedOut(signer.signDigest(DIGEST), operation);
      expect(error).toMatchObject({
        code: "BACKEND_TIMEOUT",
        retryable: true,
        backend: "aws-kms",
        keyId: kms.key.keyId,
      });
      await until(() => kms.server.openConnections <= before);
      expect((await signer.signDigest(DIGEST)).isValid()).toBe(true);
      expect(await signer.getAddress()).toBe(ADDRESS);
    },
  );

  test("20 calls at once leave no socket either", async () => {
    await signer.getAddress();
    kms.server.faults.add({ kind: "hang" }, { operation: "Sign" });
    const calls = Promise.all(Array.from({ length: 20 }, () => rejectionOf(signer.signDigest(DIGEST))));
    await until(() => kms.server.count("Sign") === 20);
    await passTime(TIMEOUT);
    for (const error of await calls) {
      expect(error).toMatchObject({ code: "BACKEND_TIMEOUT" });
    }
    await until(() => kms.server.openConnections <= 1);
    kms.server.faults.clear();
    expect((await signer.signDigest(DIGEST)).isValid()).toBe(true);
  });

  test("verifyKey has the same limit", async () => {
    await signer.getAddress();
    kms.server.faults.add({ kind: "hang" });
    const error = await timedOut(signer.verifyKey(), "GetPublicKey");
    expect(error).toMatchObject({ code: "BACKEND_TIMEOUT" });
  });

  test("create closes what it opened", async () => {
    kms.server.faults.add({ kind: "hang" });
    const before = kms.server.openConnections;
    const error = await timedOut(KmsSigner.create({ ...kms.options(), timeout: TIMEOUT }), "GetPublicKey");
    expect(error).toMatchObject({ code: "BACKEND_TIMEOUT" });
    await until(() => kms.server.openConnections <= before);
  });
});

describe("the limit holds for the whole call", () => {
  test("the SDK's repetitions and its waits between them included", async () => {
    await signer.getAddress();
    kms.server.faults.add({ kind: "throttle", retryAfterSeconds: 1 });
    const error = await timedOut(signer.signDigest(DIGEST), "Sign");
    expect(error).toMatchObject({ code: "BACKEND_TIMEOUT" });
  });

  test("a slow answer within it is an answer", async () => {
    await signer.getAddress();
    kms.server.faults.add({ kind: "slow", ms: TIMEOUT / 2 });
    const signing = signer.signDigest(DIGEST);
    await until(() => kms.server.count("Sign") === 1);
    await passTime(TIMEOUT / 2);
    expect((await signing).isValid()).toBe(true);
  });

  test("credentials that never come", async () => {
    const credentials = jest.fn(() => new Promise<never>(() => {}));
    const stuck = new KmsSigner({ ...kms.options({ credentials }), timeout: TIMEOUT });
    const error = rejectionOf(stuck.signDigest(DIGEST));
    await until(() => credentials.mock.calls.length > 0);
    await passTime(TIMEOUT);
    expect(await error).toMatchObject({ code: "BACKEND_TIMEOUT" });
    await stuck.close();
  });
});

describe("the caller's signal", () => {
  test("ends a hung call at once with its reason, and its socket", async () => {
    await signer.getAddress();
    const before = kms.server.openConnections;
    kms.server.faults.add({ kind: "hang" }, { times: 1 });
    const controller = new AbortController();
    const reason = new Error("changed my mind");
    const signing = rejectionOf(signer.signDigest(DIGEST, { signal: controller.signal }));
    await until(() => kms.server.count("Sign") === 1);
    controller.abort(reason);
    const error = await signing;
    expect(error).toBe(reason);
    await until(() => kms.server.openConnections < before || kms.server.openConnections === 1);
    expect((await signer.signDigest(DIGEST)).isValid()).toBe(true);
  });
});
