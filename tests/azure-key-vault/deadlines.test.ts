import type { AccessToken } from "@azure/core-auth";
import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { recoverAddress, Wallet } from "ethers";
import type { KeyVaultServer, LoggedRequest } from "../servers/azure-key-vault/server.ts";
import { gate } from "../signer/rejection.ts";
import { passTime, stopTime } from "../support/stopped-time.ts";
import { until } from "../support/until.ts";
import { PRIVATE_KEY, StaticCredential, signerFor, startServer } from "./setup.ts";

const { address } = new Wallet(PRIVATE_KEY);
const DIGEST = new Uint8Array(32).fill(2);
const TIMEOUT = 300;

stopTime();

let server: KeyVaultServer;
beforeEach(async () => {
  server = await startServer();
});
afterEach(async () => {
  await server.close();
});

async function failureOf(action: () => Promise<unknown>): Promise<unknown> {
  return action().then(
    () => undefined,
    (reason: unknown) => reason,
  );
}

/** How `call` ends when `ms` have passed since its request reached the server. */
async function endsAfter(ms: number, operation: LoggedRequest["operation"], call: () => Promise<unknown>) {
  const before = server.count(operation);
  const ending = failureOf(call);
  await until(() => server.count(operation) > before);
  await passTime(ms);
  return ending;
}

/** Lets the waits of a call pass that is refused each time, one after the other; each begins when a refusal has come. */
async function passWaits(operation: LoggedRequest["operation"], waits: readonly number[]): Promise<void> {
  const timers = jest.spyOn(globalThis, "setTimeout");
  const begun = () => timers.mock.calls.flatMap(([, ms = 0]) => (waits.includes(ms) ? [ms] : []));
  for (const [index, ms] of waits.entries()) {
    await until(() => begun().length > index);
    expect(begun()[index]).toBe(ms);
    await passTime(ms - 1);
    expect(server.count(operation)).toBe(index + 1);
    await passTime(1);
  }
}

describe("a server that never answers", () => {
  test.each(["challenge", "getKey"] as const)(
    "to the first call (%s) costs the timeout, and the next call works",
    async (operation) => {
      const signer = signerFor(server, { timeout: TIMEOUT });
      server.faults.add("hang", { operation });
      const error = await endsAfter(TIMEOUT, operation, () => signer.getAddress());
      expect(error).toMatchObject({ code: "BACKEND_TIMEOUT", retryable: true, operation: "getPublicKey" });
      server.faults.clear();
      expect(await signer.getAddress()).toBe(address);
      await signer.close();
    },
  );

  test("to signatures costs the timeout, leaks no connection, and the next call works", async () => {
    const signer = signerFor(server, { timeout: TIMEOUT });
    await signer.getAddress();
    const before = server.openConnections;
    server.faults.add("hang", { operation: "sign" });
    const results = Promise.all(Array.from({ length: 20 }, () => failureOf(() => signer.signDigest(DIGEST))));
    await until(() => server.count("sign") === 20);
    await passTime(TIMEOUT);
    for (const error of await results) {
      expect(error).toMatchObject({ code: "BACKEND_TIMEOUT", operation: "signDigest" });
    }
    await until(() => server.openConnections <= before);
    server.faults.clear();
    expect(recoverAddress(DIGEST, await signer.signDigest(DIGEST))).toBe(address);
    await signer.close();
  });

  test("to verifyKey costs the timeout too", async () => {
    const signer = signerFor(server, { timeout: TIMEOUT });
    await signer.getAddress();
    server.faults.add("hang", { operation: "getKey" });
    const error = await endsAfter(TIMEOUT, "getKey", () => signer.verifyKey());
    expect(error).toMatchObject({ code: "BACKEND_TIMEOUT", operation: "verifyKey" });
    await signer.close();
  });

  test("does not hold up close() for longer than the timeout", async () => {
    const signer = signerFor(server, { timeout: TIMEOUT });
    await signer.getAddress();
    server.faults.add("hang", { operation: "sign" });
    const signing = failureOf(() => signer.signDigest(DIGEST));
    await until(() => server.count("sign") === 1);
    const closing = signer.close();
    await passTime(TIMEOUT);
    await closing;
    expect(await signing).toMatchObject({ code: "BACKEND_TIMEOUT" });
    await until(() => server.openConnections === 0);
  });

  test("a slow answer within the timeout is an answer", async () => {
    const signer = signerFor(server, { timeout: 5_000 });
    server.faults.add({ kind: "slow", ms: 1_000 });
    const signing = signer.signDigest(DIGEST);
    for (const operation of ["challenge", "getKey", "sign"] as const) {
      await until(() => server.count(operation) === 1);
      await passTime(1_000);
    }
    expect(recoverAddress(DIGEST, await signing)).toBe(address);
    await signer.close();
  });

  test("the SDK's retries end at the timeout", async () => {
    const signer = signerFor(server, { timeout: TIMEOUT, retryOptions: { maxRetries: 100, retryDelayInMs: 60 } });
    await signer.getAddress();
    server.faults.add(
      { kind: "error", status: 500, code: "InternalServerError", message: "down" },
      { operation: "sign" },
    );
    jest.spyOn(Math, "random").mockReturnValue(0);
    const signing = failureOf(() => signer.signDigest(DIGEST));
    // From half of 60 ms on, twice as long each time: the last wait ends after the timeout.
    await passWaits("sign", [30, 60, 120, 240]);
    expect(await signing).toMatchObject({ code: "BACKEND_TIMEOUT" });
    const count = server.count("sign");
    await passTime(10_000);
    expect(server.count("sign")).toBe(count);
    await signer.close();
  });
});

describe("a caller's signal", () => {
  test("ends the wait at once with its reason, closes the connection, and the next call works", async () => {
    const signer = signerFor(server);
    await signer.getAddress();
    server.faults.add("hang", { operation: "sign" });
    const controller = new AbortController();
    const reason = new Error("changed my mind");
    const signing = failureOf(() => signer.signDigest(DIGEST, { signal: controller.signal }));
    await until(() => server.count("sign") === 1);
    controller.abort(reason);
    const error = await signing;
    expect(error).toBe(reason);
    await until(() => server.openConnections === 0);
    server.faults.clear();
    await signer.signDigest(DIGEST);
    await signer.close();
  });
});

/** Its first answer never comes, whichever call aborts. */
class HangingOnce extends StaticCredential {
  hung = false;

  override async getToken(scopes: string | string[]): Promise<AccessToken> {
    if (this.hung) return super.getToken(scopes);
    this.hung = true;
    return new Promise(() => {});
  }
}

describe("the credential", () => {
  test("that never answers costs the timeout, and the next call asks it again", async () => {
    const credential = new HangingOnce();
    const signer = signerFor(server, { timeout: TIMEOUT, credential });
    const error = failureOf(() => signer.getAddress());
    await until(() => credential.hung);
    await passTime(TIMEOUT);
    expect(await error).toMatchObject({ code: "BACKEND_TIMEOUT", retryable: true });
    expect(await signer.getAddress()).toBe(address);
    await signer.close();
  });

  test("is not aborted for all by the caller whose call asked for the token", async () => {
    jest.useRealTimers();
    const credential = new StaticCredential();
    credential.lifetime = 0;
    const signer = signerFor(server, { credential });
    await signer.getAddress();
    const original = credential.getToken.bind(credential);
    const service = gate();
    let asked = 0;
    credential.getToken = async (scopes, options) => {
      asked += 1;
      await service.opened;
      if (options?.abortSignal?.aborted) throw new Error("aborted");
      return original(scopes, options);
    };
    const controller = new AbortController();
    const first = failureOf(() => signer.signDigest(DIGEST, { signal: controller.signal }));
    const second = signer.signDigest(DIGEST);
    await until(() => asked > 0);
    controller.abort();
    expect(await first).toBe(controller.signal.reason);
    service.open();
    expect(recoverAddress(DIGEST, await second)).toBe(address);
    await signer.close();
  });
});

describe("throttling", () => {
  // Half of the longest waits, which are 250 ms at first and twice as long each time.
  const WAITS = [125, 250, 500];
  beforeEach(() => {
    jest.spyOn(Math, "random").mockReturnValue(0.5);
  });

  test("without Retry-After the call is repeated, after random times", async () => {
    const signer = signerFor(server);
    await signer.getAddress();
    server.faults.add({ kind: "throttle" }, { operation: "sign", times: 3 });
    const signing = signer.signDigest(DIGEST);
    await passWaits("sign", WAITS);
    await signing;
    expect(server.count("sign")).toBe(4);
    await signer.close();
  });

  test("without Retry-After on getting the key, too", async () => {
    const signer = signerFor(server);
    server.faults.add({ kind: "throttle" }, { operation: "getKey", times: 2 });
    const getting = signer.getAddress();
    await passWaits("getKey", WAITS.slice(0, 2));
    expect(await getting).toBe(address);
    expect(server.count("getKey")).toBe(3);
    await signer.close();
  });

  test("without a body it is throttling as well", async () => {
    const signer = signerFor(server);
    await signer.getAddress();
    server.faults.add({ kind: "reply", reply: { status: 429 } }, { operation: "sign", times: 2 });
    const signing = signer.signDigest(DIGEST);
    await passWaits("sign", WAITS.slice(0, 2));
    await signing;
    expect(server.count("sign")).toBe(3);
    await signer.close();
  });

  test("with Retry-After the SDK waits, and there is no retry of ours on top", async () => {
    const signer = signerFor(server);
    await signer.getAddress();
    server.faults.add({ kind: "throttle", retryAfter: 2 }, { operation: "sign" });
    const signing = failureOf(() => signer.signDigest(DIGEST));
    await passWaits("sign", [2_000, 2_000, 2_000]);
    expect(await signing).toMatchObject({ code: "THROTTLED" });
    expect(server.count("sign")).toBe(4);
    await signer.close();
  });

  test("that lasts ends within the timeout as THROTTLED", async () => {
    const signer = signerFor(server, { timeout: 600 });
    await signer.getAddress();
    server.faults.add({ kind: "throttle" }, { operation: "sign" });
    const signing = failureOf(() => signer.signDigest(DIGEST));
    await passWaits("sign", WAITS.slice(0, 2));
    const error = await signing;
    expect(error).toMatchObject({ code: "THROTTLED", retryable: true, info: { statusCode: 429 } });
    expect(server.count("sign")).toBe(3);
    await signer.close();
  });

  test("an abort ends the wait before the next attempt", async () => {
    const signer = signerFor(server);
    await signer.getAddress();
    server.faults.add({ kind: "throttle" }, { operation: "sign" });
    const controller = new AbortController();
    const signing = failureOf(() => signer.signDigest(DIGEST, { signal: controller.signal }));
    await passWaits("sign", WAITS.slice(0, 1));
    await until(() => server.count("sign") === 2);
    controller.abort();
    expect(await signing).toBe(controller.signal.reason);
    await passTime(60_000);
    expect(server.count("sign")).toBe(2);
    await signer.close();
  });
});
