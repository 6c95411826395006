import { getEventListeners } from "node:events";
import { describe, expect, jest, test } from "@jest/globals";
import { hexlify, makeError, recoverAddress, Signature, SigningKey, toBeHex } from "ethers";
import { SignerError, type SignerErrorCode } from "../../src/core/errors.ts";
import { FailoverKey } from "../../src/signer/failover-key.ts";
import type { SigningPayload } from "../../src/signer/payload.ts";
import { RemoteSigner } from "../../src/signer/remote-signer.ts";
import { never } from "../support/faulty-key.ts";
import { ADDRESS, controlClock, DIGEST, failover, failure, PRIVATE_KEY, ReplicaKey } from "./failover-support.ts";
import { gate, rejection, signerError, turn } from "./rejection.ts";
import { countTimers } from "./timers.ts";

const clock = controlClock();

/** Signs, and checks that one of the two parities recovers the account. */
async function sign(key: FailoverKey): Promise<void> {
  expectSignature(await key.signDigest(DIGEST));
}

function expectSignature({ r, s }: { readonly r: bigint; readonly s: bigint }): void {
  const addresses = ([0, 1] as const).map((yParity) => {
    return recoverAddress(DIGEST, Signature.from({ r: toBeHex(r, 32), s: toBeHex(s, 32), yParity }));
  });
  expect(addresses).toContain(ADDRESS);
}

/** Signs, and aborts after a turn. */
async function abortedSign(key: FailoverKey): Promise<void> {
  const controller = new AbortController();
  const signing = rejection(key.signDigest(DIGEST, { signal: controller.signal }));
  await turn();
  controller.abort("enough");
  expect(await signing).toBe("enough");
}

const counts = (replicas: readonly ReplicaKey[]) => replicas.map((replica) => replica.asked.length);

describe("the replicas", () => {
  test("give the key its backend and its id, and get no call at construction", async () => {
    const { key, replicas } = failover(["a", "b"]);
    expect(key).toMatchObject({ backend: "faulty", id: "a | b", knownAddress: ADDRESS });
    await turn();
    expect(replicas.map(({ fetches }) => fetches)).toEqual([0, 0]);
    expect(key.state()).toEqual([
      { backend: "faulty", id: "a", state: "closed", lastError: undefined },
      { backend: "faulty", id: "b", state: "closed", lastError: undefined },
    ]);
  });

  test("and the options are checked at construction", () => {
    const replica = new ReplicaKey("a");
    const expectedAddress = ADDRESS;
    const wrong = expect.objectContaining({ code: "INVALID_ARGUMENT" });
    for (const create of [
      () => new FailoverKey([], { expectedAddress }),
      () => new FailoverKey([replica, replica], { expectedAddress }),
      () => new FailoverKey([replica], {} as never),
      () => new FailoverKey([replica], { expectedAddress: undefined as never }),
      () => new FailoverKey([replica], { expectedAddress: "0x1234" }),
      () => new FailoverKey([replica], { expectedAddress, timeout: 0 }),
      () => new FailoverKey([replica], { expectedAddress, attemptTimeout: 0 }),
      () => new FailoverKey([replica], { expectedAddress, resetTimeout: 1.5 }),
      () => new FailoverKey([replica], { expectedAddress, resetTimeout: 2 ** 31 }),
      () => new FailoverKey([replica], { expectedAddress, onStateChange: "log" as never }),
      () => new FailoverKey([replica], { expectedAddress, verifier: "noble" as never }),
    ]) {
      expect(create).toThrow(wrong);
    }
  });

  test("get no options from a RemoteSigner: a FailoverKey has its own", () => {
    const { key } = failover(["a", "b"]);
    const wrong = expect.objectContaining({ code: "INVALID_ARGUMENT", argument: "options" });
    for (const options of [{ expectedAddress: ADDRESS }, { timeout: 1000 }, { verifier: () => undefined }]) {
      expect(() => new RemoteSigner(key, null, options)).toThrow(wrong);
    }
    expect(new RemoteSigner(key, null, { timeout: undefined }).keyId).toBe("a | b");
    expect(new RemoteSigner(key, null, {}).keyId).toBe("a | b");
  });

  test("other than the preferred one sign nothing while that one works", async () => {
    const { key, replicas, events } = failover(["a", "b"]);
    for (let count = 0; count < 5; count++) await sign(key);
    expect(counts(replicas)).toEqual([5, 0]);
    expect(events).toEqual([]);
  });

  test("get the digest and its payload, and cannot change the caller's bytes", async () => {
    const { key, replicas } = failover(["a", "b"]);
    replicas[0].faulty.onSign = async (_honest, digest) => {
      digest.fill(0);
      throw failure("BACKEND_UNAVAILABLE");
    };
    const payload: SigningPayload = { type: "message", message: Uint8Array.of(1) };
    const digest = DIGEST.slice();
    const signature = await key.signDigest(digest, { payload });
    expect(digest).toEqual(DIGEST);
    expectSignature(signature);
    expect(replicas.map(({ asked }) => asked[0]?.payload)).toEqual([payload, payload]);
  });

  test("work under a signer", async () => {
    const { key, replicas } = failover(["a", "b"]);
    replicas[0].break(failure("BACKEND_UNAVAILABLE"));
    const signer = new RemoteSigner(key);
    expect(await signer.signMessage("hello")).toMatch(/^0x/);
    expect(recoverAddress(DIGEST, await signer.signDigest(DIGEST))).toBe(ADDRESS);
    expect(signer.keyId).toBe("a | b");
    await signer.close();
    expect(replicas.map(({ faulty }) => faulty.honest.closings)).toEqual([1, 1]);
  });
});

describe("a failing replica", () => {
  const codes: SignerErrorCode[] = [
    "BACKEND_UNAVAILABLE",
    "BACKEND_TIMEOUT",
    "THROTTLED",
    "ACCESS_DENIED",
    "KEY_NOT_FOUND",
    "KEY_UNUSABLE",
    "DEPENDENCY_MISSING",
    "BACKEND_RESPONSE_INVALID",
    "SIGNATURE_MISMATCH",
    "KEY_CHANGED",
    "ADDRESS_MISMATCH",
    "SIGNER_CLOSED",
  ];
  test.each(codes)("is passed over, and its circuit opens: %s", async (code) => {
    const { key, replicas, events } = failover(["a", "b"]);
    await sign(key);
    replicas[0].break(failure(code));
    await sign(key);
    await sign(key);
    expect(counts(replicas)).toEqual([2, 2]);
    // Another key than the account's is for ever; everything else is given another chance.
    const state = code === "ADDRESS_MISMATCH" ? "excluded" : "open";
    expect(events).toEqual([`${state} a ${code}`]);
    expect(key.state()).toMatchObject([
      { state, lastError: code },
      { state: "closed", lastError: undefined },
    ]);
  });

  test("is passed over for an error that is not a SignerError", async () => {
    const { key, replicas, events } = failover(["a", "b"]);
    replicas[0].break(new TypeError("fetch failed"));
    await sign(key);
    expect(counts(replicas)).toEqual([0, 1]);
    expect(events).toEqual(["open a BACKEND_UNAVAILABLE"]);
  });

  test("is probed by one call once the reset timeout is over, and preferred again as soon as that succeeds", async () => {
    const { key, replicas, events } = failover(["a", "b"], { resetTimeout: 1000 });
    await sign(key);
    replicas[0].break(failure("BACKEND_UNAVAILABLE"));
    await sign(key);
    clock.advance(1000);
    replicas[0].repair();
    const probe = gate();
    replicas[0].faulty.onSign = async (honest, digest) => {
      await probe.opened;
      return honest.signDigest(digest);
    };
    const probing = sign(key);
    await Promise.all(Array.from({ length: 20 }, () => sign(key)));
    expect(counts(replicas)).toEqual([3, 21]);
    probe.open();
    await probing;
    await sign(key);
    expect(counts(replicas)).toEqual([4, 21]);
    expect(events).toEqual(["open a BACKEND_UNAVAILABLE", "closed a"]);
    expect(key.state()[0]).toMatchObject({ state: "closed", lastError: undefined });
  });

  test("stays open for longer if the probe fails, whose call the next one signs", async () => {
    const { key, replicas, events } = failover(["a", "b"], { resetTimeout: 1000 });
    await sign(key);
    replicas[0].break(failure("BACKEND_UNAVAILABLE"));
    await sign(key);
    clock.advance(1000);
    replicas[0].break(failure("ACCESS_DENIED"));
    await sign(key);
    clock.advance(1999);
    await sign(key);
    expect(counts(replicas)).toEqual([3, 3]);
    clock.advance(1);
    await sign(key);
    expect(counts(replicas)).toEqual([4, 4]);
    expect(events).toEqual(["open a BACKEND_UNAVAILABLE"]);
    expect(key.state()[0]).toMatchObject({ lastError: "ACCESS_DENIED" });
  });

  test("is called although its circuit is open if all are, the one that failed least often first", async () => {
    const { key, replicas } = failover(["a", "b"], { resetTimeout: 1000 });
    await sign(key);
    replicas[0].break(failure("BACKEND_UNAVAILABLE"));
    await sign(key);
    clock.advance(1000);
    await sign(key);
    replicas[1].break(failure("THROTTLED"));
    await signerError(key.signDigest(DIGEST), "BACKEND_UNAVAILABLE");
    const before = counts(replicas);
    replicas[1].repair();
    await sign(key);
    expect(counts(replicas)).toEqual([before[0], (before[1] ?? 0) + 1]);
    expect(key.state()).toMatchObject([{ state: "open" }, { state: "closed" }]);
  });

  test("that returns a wrong signature is invalidated, and probed later", async () => {
    const { key, replicas, events } = failover(["a", "b"], { resetTimeout: 1000 });
    await sign(key);
    replicas[0].faulty.onSign = (honest) => honest.signDigest(new Uint8Array(32));
    await sign(key);
    expect(replicas.map(({ invalidations }) => invalidations)).toEqual([1, 0]);
    replicas[0].repair();
    clock.advance(1000);
    await sign(key);
    expect(events).toEqual(["open a SIGNATURE_MISMATCH", "closed a"]);
  });

  test.each<[string, unknown]>([
    ["null", null],
    ["numbers", { r: 1, s: 2 }],
    ["zero", { r: 0n, s: 1n }],
  ])("that returns %s instead of a signature is passed over", async (_name, answer) => {
    const { key, replicas, events } = failover(["a", "b"]);
    replicas[0].faulty.onSign = async () => answer as never;
    await sign(key);
    expect(events).toEqual(["open a BACKEND_RESPONSE_INVALID"]);
  });
});

describe("what concerns the request", () => {
  test("an error of ethers is thrown as it is, and no other replica is called", async () => {
    const { key, replicas, events } = failover(["a", "b"]);
    const error = makeError("bad", "INVALID_ARGUMENT", { argument: "digest", value: "x" });
    replicas[0].break(error);
    expect(await rejection(key.getPublicKey())).toBe(error);
    expect(await rejection(key.signDigest(DIGEST))).toBe(error);
    expect(replicas[1].fetches).toBe(0);
    expect(events).toEqual([]);
    expect(await rejection(key.signDigest(new Uint8Array(31)))).toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  test("an abort ends the call and counts against no replica", async () => {
    const { key, replicas, events } = failover(["a", "b"]);
    await sign(key);
    replicas[0].faulty.onSign = never;
    const controller = new AbortController();
    const signing = rejection(key.signDigest(DIGEST, { signal: controller.signal }));
    await turn();
    controller.abort("enough");
    expect(await signing).toBe("enough");
    expect(replicas[0].asked[1]?.signal?.reason).toBe("enough");
    expect(getEventListeners(controller.signal, "abort")).toHaveLength(0);
    expect(events).toEqual([]);
    expect(await rejection(key.signDigest(DIGEST, { signal: AbortSignal.abort("before") }))).toBe("before");
    expect(await rejection(key.getPublicKey({ signal: AbortSignal.abort("before") }))).toBe("before");
    expect(counts(replicas)).toEqual([2, 0]);
  });

  test("an abort of a probe lets the next call probe", async () => {
    const { key, replicas } = failover(["a", "b"], { resetTimeout: 1000 });
    await sign(key);
    replicas[0].break(failure("BACKEND_UNAVAILABLE"));
    await sign(key);
    clock.advance(1000);
    replicas[0].faulty.onSign = never;
    await abortedSign(key);
    replicas[0].repair();
    await sign(key);
    expect(key.state()[0]).toMatchObject({ state: "closed" });
  });

  test("aborts, however many, count against no replica", async () => {
    const { key, replicas, events } = failover(["a", "b"], { attemptTimeout: 10_000 });
    await sign(key);
    replicas[0].faulty.onSign = never;
    for (let count = 0; count < 5; count++) await abortedSign(key);
    expect(events).toEqual([]);
    expect(counts(replicas)).toEqual([6, 0]);
    expect(key.state()[0]).toMatchObject({ state: "closed", lastError: undefined });
  });
});

describe("a replica that does not answer", () => {
  test("is given up after attemptTimeout, its signal says so, and later calls skip it", async () => {
    const { key, replicas, events } = failover(["a", "b"], { attemptTimeout: 30 });
    await sign(key);
    replicas[0].faulty.onSign = never;
    await sign(key);
    await Promise.all(Array.from({ length: 100 }, () => sign(key)));
    expect(counts(replicas)).toEqual([2, 101]);
    expect(replicas[0].asked[1]?.signal?.reason).toMatchObject({ code: "BACKEND_TIMEOUT", keyId: "a" });
    expect(events).toEqual(["open a BACKEND_TIMEOUT"]);
  });

  test("to many calls at once is one failure, and each of them is signed by the next one", async () => {
    const { key, replicas, events } = failover(["a", "b"], { attemptTimeout: 30 });
    await sign(key);
    replicas[0].faulty.onSign = never;
    await Promise.all(Array.from({ length: 50 }, () => sign(key)));
    expect(counts(replicas)).toEqual([51, 50]);
    expect(events).toEqual(["open a BACKEND_TIMEOUT"]);
  });

  test("within timeout costs no signature", async () => {
    const { key, replicas } = failover(["a", "b", "c"], { timeout: 10_000, attemptTimeout: 20 });
    replicas[0].faulty.onFetch = never;
    replicas[1].faulty.onSign = never;
    const signer = new RemoteSigner(key);
    expect(recoverAddress(DIGEST, await signer.signDigest(DIGEST))).toBe(ADDRESS);
    expect(counts(replicas)).toEqual([0, 1, 1]);
  });

  test("until timeout ends the call there", async () => {
    const { key, replicas } = failover(["a", "b"], { timeout: 30, attemptTimeout: 10_000 });
    const signer = new RemoteSigner(key);
    await signer.getAddress();
    replicas[0].faulty.onSign = never;
    const error = await signerError(signer.signDigest(DIGEST), "BACKEND_TIMEOUT");
    expect(error).toMatchObject({ backend: "faulty", keyId: "a | b", operation: "signDigest", retryable: true });
    expect(error.message).toContain("30 ms");
    expect(replicas[0].asked[0]?.signal?.aborted).toBe(true);
    expect(counts(replicas)).toEqual([1, 0]);
  });

  test("gets timeout divided by the number of replicas, at most 10 seconds, unless attemptTimeout says otherwise", async () => {
    for (const [count, options, expected] of [
      [2, {}, 10_000],
      [4, {}, 7_500],
      [2, { timeout: 1_001 }, 500],
      [2, { timeout: 1 }, 1],
      [2, { attemptTimeout: 77 }, 77],
    ] as const) {
      const names = ["a", "b", "c", "d"].slice(0, count);
      const { key, replicas } = failover(names, options);
      const given = jest.spyOn(globalThis, "setTimeout");
      for (const { faulty } of replicas) faulty.onFetch = () => Promise.reject(failure("THROTTLED"));
      await rejection(key.getPublicKey());
      const delays = given.mock.calls.map(([, ms]) => ms);
      given.mockRestore();
      expect(delays).toEqual(["timeout" in options ? options.timeout : 30_000, ...names.map(() => expected)]);
    }
  });

  test("leaves no timer, no listener and no unhandled rejection, whatever it returns later", async () => {
    const { key, replicas } = failover(["a", "b"], { attemptTimeout: 20 });
    await sign(key);
    // The public key of b is fetched without a caller's wait.
    await turn();
    const late = gate();
    const { signal } = new AbortController();
    const timers = await countTimers(async () => {
      replicas[0].faulty.onSign = () => late.opened.then(() => Promise.reject(new Error("too late")));
      await key.signDigest(DIGEST, { signal });
      await key.signDigest(DIGEST, { signal });
    });
    // For the first call its own, and one for each of two attempts; for the second its own, and one.
    expect(timers).toEqual({ started: 5, running: 0 });
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
    late.open();
    await turn();
  });
});

describe("if every replica fails", () => {
  test("the error names all of them, with the code of the first that may recover", async () => {
    const { key, replicas } = failover(["a", "b", "c"]);
    await sign(key);
    const errors = [
      new SignerError("ACCESS_DENIED", "the PIN is locked", { info: { returnValue: 1 } }),
      new SignerError("THROTTLED", "slow down", { requestId: "r-1", info: { limit: 3 } }),
      new TypeError("fetch failed"),
    ];
    for (const [index, replica] of replicas.entries()) replica.break(errors[index]);
    const error = await signerError(key.signDigest(DIGEST), "THROTTLED");
    expect(error).toMatchObject({
      backend: "faulty",
      keyId: "a | b | c",
      operation: "signDigest",
      retryable: true,
      requestId: "r-1",
      info: {
        limit: 3,
        replicas: [
          { backend: "faulty", keyId: "a", code: "ACCESS_DENIED", message: "the PIN is locked" },
          { keyId: "b", code: "THROTTLED" },
          { keyId: "c", code: "BACKEND_UNAVAILABLE" },
        ],
      },
    });
    expect(error.message).toContain("a: the PIN is locked; b: slow down; c: faulty failed");
    const { errors: causes } = error.cause as AggregateError;
    expect(causes[0]).toMatchObject({ code: "ACCESS_DENIED", keyId: "a", info: { returnValue: 1 } });
    expect((causes[2] as Error).cause).toBe(errors[2]);
  });

  test("and none may recover, the code is the preferred one's", async () => {
    const { key, replicas } = failover(["a", "b"]);
    replicas[0].break(failure("KEY_NOT_FOUND"));
    replicas[1].break(failure("DEPENDENCY_MISSING"));
    const error = await signerError(key.getPublicKey(), "KEY_NOT_FOUND");
    expect(error).toMatchObject({ retryable: false, operation: "getPublicKey" });
  });

  test("and there is only one, its error is thrown", async () => {
    const { key, replicas } = failover(["a"]);
    await sign(key);
    const error = failure("THROTTLED");
    replicas[0].break(error);
    expect(await signerError(key.signDigest(DIGEST), "THROTTLED")).toMatchObject({ message: error.message });
  });
});

describe("close", () => {
  test("closes all once, waits for all, and throws the first error", async () => {
    const { key, replicas, events } = failover(["a", "b", "c"]);
    await sign(key);
    const closing = gate();
    const failed = failure("BACKEND_UNAVAILABLE");
    replicas[0].close = () => Promise.reject(failed);
    replicas[1].close = () => {
      throw failure("THROTTLED");
    };
    let closed = false;
    replicas[2].close = async () => {
      await closing.opened;
      closed = true;
    };
    const ends = [rejection(key.close()), rejection(key.close())];
    await turn();
    closing.open();
    const [error, again] = await Promise.all(ends);
    expect(error).toMatchObject({ code: "BACKEND_UNAVAILABLE", message: failed.message, keyId: "a" });
    expect(again).toBe(error);
    expect(closed).toBe(true);
    await signerError(key.getPublicKey(), "SIGNER_CLOSED");
    await signerError(key.signDigest(DIGEST), "SIGNER_CLOSED");
    expect(key.state()).toHaveLength(3);
    expect(events).toEqual([]);
  });

  test("lets the calls in flight end, and starts none elsewhere", async () => {
    const { key, replicas, events } = failover(["a", "b"]);
    await sign(key);
    const answer = gate();
    replicas[0].faulty.onSign = (honest, digest) => answer.opened.then(() => honest.signDigest(digest));
    const working = key.signDigest(DIGEST);
    await turn();
    replicas[0].faulty.onSign = () => answer.opened.then(() => Promise.reject(failure("BACKEND_UNAVAILABLE")));
    const failing = signerError(key.signDigest(DIGEST), "BACKEND_UNAVAILABLE");
    await turn();
    await key.close();
    answer.open();
    expectSignature(await working);
    await failing;
    expect(counts(replicas)).toEqual([3, 0]);
    expect(events).toEqual([]);
  });

  test("ends the checks that no caller waits for", async () => {
    const { key, replicas, events } = failover(["a", "b"]);
    const reasons: unknown[] = [];
    replicas[1].faulty.onFetch = (_honest, { signal }) => {
      signal?.addEventListener("abort", () => reasons.push(signal.reason));
      return never();
    };
    const timers = await countTimers(async () => {
      await key.getPublicKey();
      await key.close();
    });
    expect(timers.running).toBe(0);
    expect(reasons).toMatchObject([{ code: "SIGNER_CLOSED" }]);
    expect(events).toEqual([]);
  });

  test("makes every call of its signers fail, those of a known address too", async () => {
    const { key, events } = failover(["a", "b"]);
    const signer = new RemoteSigner(key);
    await signer.getAddress();
    await signer.connect(null).close();
    for (const call of [
      () => signer.getAddress(),
      () => signer.getPublicKey(),
      () => signer.signDigest(DIGEST),
      () => signer.signMessage("x"),
      () => signer.verifyKey(),
    ]) {
      await signerError(call(), "SIGNER_CLOSED");
    }
    expect(await signer.health()).toMatchObject({ ready: false, error: { code: "SIGNER_CLOSED" } });
    expect(events).toEqual([]);
  });

  test("does without, as with invalidate, if a replica has none", async () => {
    const { r, s } = new SigningKey(PRIVATE_KEY).sign(DIGEST);
    const publicKey = await new ReplicaKey("a").getPublicKey();
    const plain = {
      backend: "plain",
      id: "p",
      getPublicKey: async () => publicKey,
      signDigest: async () => ({ r: BigInt(r), s: BigInt(s) }),
    };
    const key = new FailoverKey([plain], { expectedAddress: ADDRESS });
    const signature = await key.signDigest(DIGEST);
    expect([toBeHex(signature.r, 32), toBeHex(signature.s, 32)]).toEqual([r, s]);
    expect(hexlify(await key.getPublicKey())).toBe(hexlify(publicKey));
    await signerError(key.signDigest(new Uint8Array(32)), "SIGNATURE_MISMATCH");
    await key.close();
  });
});
