import { getEventListeners } from "node:events";
import { describe, expect, test } from "@jest/globals";
import { makeError, recoverAddress, SigningKey, toBeHex, Wallet } from "ethers";
import { SignerError, type SignerErrorCode } from "../../src/core/errors.ts";
import { verifiedYParity } from "../../src/core/y-parity.ts";
import { FailoverKey } from "../../src/signer/failover-key.ts";
import { RemoteSigner } from "../../src/signer/remote-signer.ts";
import type { SigningContent } from "../../src/signer/signing-content.ts";
import { never } from "../support/faulty-key.ts";
import { controlClock, DIGEST, failover, failure, PRIVATE_KEY, ReplicaKey } from "./failover-support.ts";
import { gate, rejection, signerError, turn } from "./rejection.ts";
import { countTimers } from "./timers.ts";

const { address } = new Wallet(PRIVATE_KEY);
const clock = controlClock();

/** Signs, and verifies that it is the account's signature. */
async function sign(key: FailoverKey): Promise<void> {
  const signature = await key.signDigest(DIGEST);
  verifiedYParity(await key.getPublicKey(), DIGEST, signature);
}

/** Signs, and aborts when the clock has moved by `ms`. */
async function giveUpAfter(ms: number, key: FailoverKey): Promise<void> {
  const controller = new AbortController();
  const signing = rejection(key.signDigest(DIGEST, { signal: controller.signal }));
  await turn();
  clock.advance(ms);
  controller.abort("enough");
  expect(await signing).toBe("enough");
}

const counts = (replicas: readonly ReplicaKey[]) => replicas.map((replica) => replica.asked.length);

describe("the replicas", () => {
  test("give the key its backend and its id, and are asked nothing at construction", async () => {
    const { key, replicas } = failover(["a", "b"]);
    expect(key).toMatchObject({ backend: "faulty", id: "a | b" });
    await turn();
    expect(replicas.map(({ fetches }) => fetches)).toEqual([0, 0]);
    expect(key.state()).toEqual([
      { backend: "faulty", id: "a", resting: false, excluded: false, lastError: undefined },
      { backend: "faulty", id: "b", resting: false, excluded: false, lastError: undefined },
    ]);
  });

  test("are checked at construction", () => {
    const replica = new ReplicaKey("a");
    const wrong = expect.objectContaining({ code: "INVALID_ARGUMENT" });
    for (const create of [
      () => new FailoverKey([]),
      () => new FailoverKey([replica, replica]),
      () => new FailoverKey([replica], { attemptTimeout: 0 }),
      () => new FailoverKey([replica], { failbackAfter: 1.5 }),
      () => new FailoverKey([replica], { failbackAfter: 2 ** 31 }),
      () => new FailoverKey([replica], { expectedAddress: "0x1234" }),
      () => new FailoverKey([replica], { onSwitch: "log" as never }),
    ]) {
      expect(create).toThrow(wrong);
    }
  });

  test("other than the preferred one sign nothing while that one works", async () => {
    const { key, replicas, events } = failover(["a", "b"]);
    for (let count = 0; count < 5; count++) await sign(key);
    expect(counts(replicas)).toEqual([5, 0]);
    expect(events).toEqual([]);
  });

  test("get the digest and its content, and cannot change the caller's bytes", async () => {
    const { key, replicas } = failover(["a", "b"]);
    replicas[0].faulty.onSign = async (_honest, digest) => {
      digest.fill(0);
      throw failure("BACKEND_UNAVAILABLE");
    };
    const content: SigningContent = { type: "message", message: Uint8Array.of(1) };
    const digest = DIGEST.slice();
    const signature = await key.signDigest(digest, { content });
    expect(digest).toEqual(DIGEST);
    verifiedYParity(await key.getPublicKey(), DIGEST, signature);
    expect(replicas.map(({ asked }) => asked[0]?.content)).toEqual([content, content]);
  });

  test("work behind a signer", async () => {
    const { key, replicas } = failover(["a", "b"]);
    replicas[0].break(failure("BACKEND_UNAVAILABLE"));
    const signer = new RemoteSigner(key, null, { expectedAddress: address });
    expect(await signer.signMessage("hello")).toMatch(/^0x/);
    expect(recoverAddress(DIGEST, await signer.signDigest(DIGEST))).toBe(address);
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
  test.each(codes)("is passed over and rests: %s", async (code) => {
    const { key, replicas, events } = failover(["a", "b"]);
    await sign(key);
    replicas[0].break(failure(code));
    await sign(key);
    await sign(key);
    expect(counts(replicas)).toEqual([2, 2]);
    expect(events).toEqual([`resting a ${code}`]);
    expect(key.state()).toMatchObject([
      { resting: true, excluded: false, lastError: code },
      { resting: false, lastError: undefined },
    ]);
  });

  test("is passed over for an error that is none of ours", async () => {
    const { key, replicas, events } = failover(["a", "b"]);
    replicas[0].break(new TypeError("fetch failed"));
    await sign(key);
    expect(counts(replicas)).toEqual([0, 1]);
    expect(events).toEqual(["resting a BACKEND_UNAVAILABLE"]);
  });

  test("is tried by one call once its rest is over, and preferred again as soon as it answers", async () => {
    const { key, replicas, events } = failover(["a", "b"], { failbackAfter: 1000 });
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
    expect(events).toEqual(["resting a BACKEND_UNAVAILABLE", "recovered a"]);
    expect(key.state()[0]).toMatchObject({ resting: false, lastError: undefined });
  });

  test("rests longer where the trial fails, and the trial's call is answered by the next one", async () => {
    const { key, replicas, events } = failover(["a", "b"], { failbackAfter: 1000 });
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
    expect(events).toEqual(["resting a BACKEND_UNAVAILABLE"]);
    expect(key.state()[0]).toMatchObject({ lastError: "ACCESS_DENIED" });
  });

  test("is asked all the same where every one rests, the one that failed least often first", async () => {
    const { key, replicas } = failover(["a", "b"], { failbackAfter: 1000 });
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
    expect(key.state()).toMatchObject([{ resting: true }, { resting: false }]);
  });

  test("that answers a wrong signature is distrusted, and its public key is asked for again", async () => {
    const { key, replicas, events } = failover(["a", "b"], { failbackAfter: 1000 });
    await sign(key);
    replicas[0].faulty.onSign = (honest) => honest.signDigest(new Uint8Array(32));
    await sign(key);
    expect(replicas.map(({ distrusted }) => distrusted)).toEqual([1, 0]);
    replicas[0].repair();
    clock.advance(1000);
    await sign(key);
    expect(replicas[0].fetches).toBe(2);
    expect(events).toEqual(["resting a SIGNATURE_MISMATCH", "recovered a"]);
  });

  test.each<[string, unknown]>([
    ["null", null],
    ["numbers", { r: 1, s: 2 }],
    ["zero", { r: 0n, s: 1n }],
  ])("that answers no signature but %s is passed over", async (_name, answer) => {
    const { key, replicas, events } = failover(["a", "b"]);
    replicas[0].faulty.onSign = async () => answer as never;
    await sign(key);
    expect(events).toEqual(["resting a BACKEND_RESPONSE_INVALID"]);
  });
});

describe("what concerns the request", () => {
  test("an error of ethers is thrown as it is, and nobody else is asked", async () => {
    const { key, replicas, events } = failover(["a", "b"]);
    const error = makeError("bad", "INVALID_ARGUMENT", { argument: "digest", value: "x" });
    replicas[0].break(error);
    expect(await rejection(key.getPublicKey())).toBe(error);
    expect(await rejection(key.signDigest(DIGEST))).toBe(error);
    expect(replicas[1].fetches).toBe(0);
    expect(events).toEqual([]);
    expect(await rejection(key.signDigest(new Uint8Array(31)))).toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  test("an abort ends the call and says nothing of the replica", async () => {
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

  test("an abort during a trial lets the next call try again", async () => {
    const { key, replicas } = failover(["a", "b"], { failbackAfter: 1000 });
    await sign(key);
    replicas[0].break(failure("BACKEND_UNAVAILABLE"));
    await sign(key);
    clock.advance(1000);
    replicas[0].faulty.onSign = never;
    const controller = new AbortController();
    const signing = rejection(key.signDigest(DIGEST, { signal: controller.signal }));
    await turn();
    controller.abort("enough");
    await signing;
    replicas[0].repair();
    await sign(key);
    expect(key.state()[0]).toMatchObject({ resting: false });
  });

  test("aborts of impatient callers do not hide that a replica answers nobody", async () => {
    const { key, replicas, events } = failover(["a", "b"], { attemptTimeout: 10_000 });
    await sign(key);
    replicas[0].faulty.onSign = never;
    await giveUpAfter(5_000, key);
    clock.advance(60_000);
    expect(events).toEqual([]);
    await giveUpAfter(5_000, key);
    expect(events).toEqual(["resting a BACKEND_TIMEOUT"]);
    await sign(key);
    expect(counts(replicas)).toEqual([3, 1]);
    // A trial gets the whole of attemptTimeout again: two impatient ones must not count as failed.
    clock.advance(30_000);
    await giveUpAfter(4_000, key);
    await giveUpAfter(4_000, key);
    expect(counts(replicas)).toEqual([5, 1]);
    await giveUpAfter(4_000, key);
    await sign(key);
    expect(counts(replicas)).toEqual([6, 2]);
  });

  test("aborts of impatient callers are no silence where it fails others meanwhile", async () => {
    const { key, replicas } = failover(["a"], { attemptTimeout: 10_000, failbackAfter: 1000 });
    const [replica] = replicas;
    await sign(key);
    replica.break(failure("BACKEND_UNAVAILABLE"));
    await signerError(key.signDigest(DIGEST), "BACKEND_UNAVAILABLE");
    clock.advance(1000);
    replica.faulty.onSign = never;
    const controller = new AbortController();
    const trial = rejection(key.signDigest(DIGEST, { signal: controller.signal }));
    await turn();
    clock.advance(9_000);
    replica.break(failure("BACKEND_UNAVAILABLE"));
    await signerError(key.signDigest(DIGEST), "BACKEND_UNAVAILABLE");
    clock.advance(5_000);
    controller.abort("enough");
    expect(await trial).toBe("enough");
    expect(key.state()[0]).toMatchObject({ resting: true, lastError: "BACKEND_UNAVAILABLE" });
  });
});

describe("a replica that does not answer", () => {
  test("is given up after attemptTimeout, told so, and skipped by those who come later", async () => {
    const { key, replicas, events } = failover(["a", "b"], { attemptTimeout: 30 });
    await sign(key);
    replicas[0].faulty.onSign = never;
    await sign(key);
    await Promise.all(Array.from({ length: 100 }, () => sign(key)));
    expect(counts(replicas)).toEqual([2, 101]);
    expect(replicas[0].asked[1]?.signal?.reason).toMatchObject({ code: "BACKEND_TIMEOUT", keyId: "a" });
    expect(events).toEqual(["resting a BACKEND_TIMEOUT"]);
  });

  test("is given up by everybody with the first one, also by those who came later", async () => {
    const { key, replicas, events } = failover(["a", "b"], { attemptTimeout: 100 });
    await sign(key);
    replicas[0].faulty.onSign = never;
    const early = sign(key);
    await new Promise((resolve) => setTimeout(resolve, 50));
    const late = Array.from({ length: 50 }, () => sign(key));
    await Promise.all([early, ...late]);
    expect(counts(replicas)).toEqual([52, 51]);
    const reasons = new Set(replicas[0].asked.slice(1).map(({ signal }) => signal?.reason));
    // One reason for all: the late ones did not wait for a time of their own.
    expect(reasons.size).toBe(1);
    expect(events).toEqual(["resting a BACKEND_TIMEOUT"]);
  });

  test("to one call but answers others keeps those", async () => {
    const { key, replicas } = failover(["a", "b"], { attemptTimeout: 50 });
    await sign(key);
    const slow = gate();
    replicas[0].faulty.onSign = never;
    const stuck = sign(key);
    await turn();
    replicas[0].faulty.onSign = undefined;
    await sign(key);
    replicas[0].faulty.onSign = async (honest, digest) => {
      await slow.opened;
      return honest.signDigest(digest);
    };
    await new Promise((resolve) => setTimeout(resolve, 30));
    const working = sign(key);
    await stuck;
    slow.open();
    await working;
    expect(counts(replicas)).toEqual([4, 1]);
  });

  test("before the signer's own deadline costs no signature", async () => {
    const { key, replicas } = failover(["a", "b", "c"], { attemptTimeout: 20 });
    replicas[0].faulty.onFetch = never;
    replicas[1].faulty.onSign = never;
    const signer = new RemoteSigner(key, null, { timeout: 10_000 });
    expect(recoverAddress(DIGEST, await signer.signDigest(DIGEST))).toBe(address);
    expect(counts(replicas)).toEqual([0, 1, 1]);
  });

  test("until the signer's deadline ends the call there", async () => {
    const { key, replicas } = failover(["a", "b"], { attemptTimeout: 10_000 });
    const signer = new RemoteSigner(key, null, { timeout: 30 });
    await signer.getAddress();
    replicas[0].faulty.onSign = never;
    await signerError(signer.signDigest(DIGEST), "BACKEND_TIMEOUT");
    expect(replicas[0].asked[0]?.signal?.aborted).toBe(true);
    expect(counts(replicas)).toEqual([1, 0]);
  });

  test("leaves no timer, no listener and no unhandled rejection, whatever it says later", async () => {
    const { key, replicas } = failover(["a", "b"], { attemptTimeout: 20 });
    await sign(key);
    await turn();
    const late = gate();
    const { signal } = new AbortController();
    const timers = await countTimers(async () => {
      replicas[0].faulty.onSign = () => late.opened.then(() => Promise.reject(new Error("too late")));
      await key.signDigest(DIGEST, { signal });
      await key.signDigest(DIGEST, { signal });
    });
    expect(timers).toEqual({ started: 3, running: 0 });
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
    late.open();
    await turn();
  });
});

describe("where every replica fails", () => {
  test("the error names all of them, with the code of the first that may recover by itself", async () => {
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

  test("and none may recover by itself, the code is the preferred one's", async () => {
    const { key, replicas } = failover(["a", "b"]);
    replicas[0].break(failure("KEY_NOT_FOUND"));
    replicas[1].break(failure("DEPENDENCY_MISSING"));
    const error = await signerError(key.getPublicKey(), "KEY_NOT_FOUND");
    expect(error).toMatchObject({ retryable: false, operation: "getPublicKey" });
  });

  test("and there is but one, its error is thrown", async () => {
    const { key, replicas } = failover(["a"]);
    await sign(key);
    const error = failure("THROTTLED");
    replicas[0].break(error);
    expect(await signerError(key.signDigest(DIGEST), "THROTTLED")).toMatchObject({ message: error.message });
  });
});

describe("distrust and close", () => {
  test("distrust reaches every replica", async () => {
    const { key, replicas } = failover(["a", "b"]);
    key.distrust();
    expect(replicas.map(({ distrusted }) => distrusted)).toEqual([1, 1]);
  });

  test("close closes all once, waits for all, and gives the first error", async () => {
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
    expect(await Promise.all(ends)).toEqual([failed, failed]);
    expect(closed).toBe(true);
    await signerError(key.getPublicKey(), "SIGNER_CLOSED");
    await signerError(key.signDigest(DIGEST), "SIGNER_CLOSED");
    expect(key.state()).toHaveLength(3);
    expect(events).toEqual([]);
  });

  test("close lets the calls in flight end, and starts none elsewhere", async () => {
    const { key, replicas, events } = failover(["a", "b"]);
    await sign(key);
    const answer = gate();
    replicas[0].faulty.onSign = (honest, digest) => answer.opened.then(() => honest.signDigest(digest));
    const publicKey = await key.getPublicKey();
    const working = key.signDigest(DIGEST);
    await turn();
    replicas[0].faulty.onSign = () => answer.opened.then(() => Promise.reject(failure("BACKEND_UNAVAILABLE")));
    const failing = signerError(key.signDigest(DIGEST), "SIGNER_CLOSED");
    await turn();
    await key.close();
    answer.open();
    verifiedYParity(publicKey, DIGEST, await working);
    await failing;
    expect(counts(replicas)).toEqual([3, 0]);
    expect(events).toEqual([]);
  });

  test("close ends the checks that nobody waits for", async () => {
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

  test("a replica without distrust and close will do", async () => {
    const { r, s } = new SigningKey(PRIVATE_KEY).sign(DIGEST);
    const publicKey = await new ReplicaKey("a").getPublicKey();
    const plain = {
      backend: "plain",
      id: "p",
      getPublicKey: async () => publicKey,
      signDigest: async () => ({ r: BigInt(r), s: BigInt(s) }),
    };
    const key = new FailoverKey([plain]);
    const signature = await key.signDigest(DIGEST);
    expect([toBeHex(signature.r, 32), toBeHex(signature.s, 32)]).toEqual([r, s]);
    key.distrust();
    await key.close();
  });
});
