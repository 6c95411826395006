import { describe, expect, test } from "@jest/globals";
import { computeAddress, getBytes, hexlify, id, makeError, recoverAddress, SigningKey } from "ethers";
import fc from "fast-check";
import { isSignerError, SignerError, type SignerErrorCode } from "../../src/core/errors.ts";
import { FailoverKey, type FailoverOptions } from "../../src/signer/failover-key.ts";
import { RemoteSigner } from "../../src/signer/remote-signer.ts";
import { cases } from "../support/cases.ts";
import { never, type SignFault } from "../support/faulty-key.ts";
import { until } from "../support/until.ts";
import {
  ADDRESS,
  controlClock,
  DIGEST,
  eventLog,
  failover,
  failure,
  PRIVATE_KEY,
  ReplicaKey,
} from "./failover-support.ts";
import { gate, rejection, signerError, turn } from "./rejection.ts";

const OTHER_KEY = id("the key of another account");
const OTHER = computeAddress(OTHER_KEY);
const clock = controlClock();

/** A failover over "a" and "b" with these private keys. */
function failoverOf(a: string, b: string, options: Partial<FailoverOptions> = {}) {
  const [first, second] = [new ReplicaKey("a", a), new ReplicaKey("b", b)];
  const { events, onStateChange } = eventLog();
  const key = new FailoverKey([first, second], { expectedAddress: ADDRESS, onStateChange, ...options });
  return { first, second, events, key, signer: new RemoteSigner(key) };
}

describe("the public key", () => {
  test("is the preferred replica's, fetched once, and a copy for each caller", async () => {
    const { key, replicas } = failover(["a", "b"]);
    const [one, two] = await Promise.all([key.getPublicKey(), key.getPublicKey()]);
    one.fill(0);
    expect(hexlify(two)).toBe(SigningKey.computePublicKey(PRIVATE_KEY));
    expect(hexlify(await key.getPublicKey())).toBe(hexlify(two));
    await turn();
    expect(replicas.map(({ fetches }) => fetches)).toEqual([1, 1]);
  });

  test("is the next one's if the preferred one fails or does not respond", async () => {
    for (const broken of [() => Promise.reject(failure("BACKEND_UNAVAILABLE")), never]) {
      const { key, replicas, events } = failover(["a", "b"], { attemptTimeout: 20 });
      replicas[0].faulty.onFetch = broken;
      expect(hexlify(await key.getPublicKey())).toBe(SigningKey.computePublicKey(PRIVATE_KEY));
      expect(events).toHaveLength(1);
    }
  });

  test("of another replica is fetched at the start; a failure of that is reported, and disturbs no call", async () => {
    const { key, replicas, events } = failover(["a", "b"], { resetTimeout: 1000 });
    replicas[1].faulty.onFetch = () => Promise.reject(failure("ACCESS_DENIED"));
    await key.getPublicKey();
    await turn();
    expect(events).toEqual(["open b ACCESS_DENIED"]);
    await key.signDigest(DIGEST);
    expect(replicas[0].asked).toHaveLength(1);
  });

  test("of another replica is fetched after the first signature too", async () => {
    const { replicas, key } = failover(["a", "b"]);
    await key.signDigest(DIGEST);
    await turn();
    expect(replicas.map(({ fetches, asked }) => [fetches, asked.length])).toEqual([
      [1, 1],
      [1, 0],
    ]);
  });

  test("of a replica is waited for once, however many calls need it for their first signature", async () => {
    const { key, replicas } = failover(["a", "b"]);
    const fetched = gate();
    replicas[1].faulty.onFetch = (honest) => fetched.opened.then(() => honest.getPublicKey());
    await key.getPublicKey();
    replicas[0].break(failure("BACKEND_UNAVAILABLE"));
    const signing = Array.from({ length: 10 }, () => key.signDigest(DIGEST));
    await turn();
    expect(replicas[1].asked).toHaveLength(0);
    fetched.open();
    await Promise.all(signing);
    expect(replicas[1]).toMatchObject({ fetches: 1, asked: { length: 10 } });
  });

  test.each<[string, Uint8Array]>([
    ["no point", new Uint8Array(65)],
    ["nothing", undefined as never],
  ])("that is %s is that replica's failure", async (_name, answer) => {
    const { key, replicas, events } = failover(["a", "b"]);
    replicas[0].faulty.onFetch = async () => answer;
    await key.getPublicKey();
    expect(events).toEqual(["open a BACKEND_RESPONSE_INVALID"]);
  });
});

describe("a replica with another key", () => {
  const mismatch = { code: "ADDRESS_MISMATCH", info: { expected: ADDRESS, actual: OTHER } };

  test("is found at the start, never signs, and leaves the others in use", async () => {
    const { key, first, second, signer, events } = failoverOf(PRIVATE_KEY, OTHER_KEY);
    expect(recoverAddress(DIGEST, await signer.signDigest(DIGEST))).toBe(ADDRESS);
    await turn();
    expect(events).toEqual(["excluded b ADDRESS_MISMATCH"]);
    expect(key.state()[1]).toEqual({ backend: "faulty", id: "b", state: "excluded", lastError: "ADDRESS_MISMATCH" });

    first.break(failure("BACKEND_UNAVAILABLE"));
    const error = await signerError(signer.signDigest(DIGEST), "BACKEND_UNAVAILABLE");
    expect(error.info?.["replicas"]).toMatchObject([{ code: "BACKEND_UNAVAILABLE" }, { code: "ADDRESS_MISMATCH" }]);
    expect((error.cause as AggregateError).errors[1]).toMatchObject(mismatch);
    expect(second.asked).toHaveLength(0);
    first.repair();
    expect(recoverAddress(DIGEST, await signer.signDigest(DIGEST))).toBe(ADDRESS);
  });

  test("is passed over if it is the preferred one, and stays so", async () => {
    const { key, first, signer, events } = failoverOf(OTHER_KEY, PRIVATE_KEY, {
      expectedAddress: ADDRESS.toLowerCase(),
      resetTimeout: 1000,
    });
    expect(recoverAddress(DIGEST, await signer.signDigest(DIGEST))).toBe(ADDRESS);
    clock.advance(100_000);
    expect(recoverAddress(DIGEST, await signer.signDigest(DIGEST))).toBe(ADDRESS);
    expect([first.fetches, first.asked.length]).toEqual([1, 0]);
    expect(events).toEqual(["excluded a ADDRESS_MISMATCH"]);
    expect(key.state()[0]).toMatchObject({ state: "excluded", lastError: "ADDRESS_MISMATCH" });
  });

  test("cannot make itself the account while the preferred one is away", async () => {
    const { first, signer } = failoverOf(PRIVATE_KEY, OTHER_KEY);
    first.break(failure("BACKEND_UNAVAILABLE"));
    const error = await signerError(signer.getAddress(), "BACKEND_UNAVAILABLE");
    expect(error.info?.["replicas"]).toMatchObject([{ keyId: "a" }, { keyId: "b", code: "ADDRESS_MISMATCH" }]);
    first.repair();
    expect(await signer.getAddress()).toBe(ADDRESS);
  });

  test("everywhere causes ADDRESS_MISMATCH", async () => {
    const { signer, first, second } = failoverOf(OTHER_KEY, OTHER_KEY);
    for (let count = 0; count < 2; count++) {
      const error = await signerError(signer.signDigest(DIGEST), "ADDRESS_MISMATCH");
      expect(error).toMatchObject({ retryable: false, info: mismatch.info });
    }
    expect([...first.asked, ...second.asked]).toEqual([]);
  });

  test("since the start of the process signs nothing: each of its signatures is refused", async () => {
    const { key, first, second, signer, events } = failoverOf(PRIVATE_KEY, PRIVATE_KEY, { resetTimeout: 1000 });
    await signer.signDigest(DIGEST);
    await turn();
    const replaced = new ReplicaKey("a", OTHER_KEY);
    first.faulty.onSign = (_honest, digest) => replaced.signDigest(digest);
    first.faulty.onFetch = () => replaced.getPublicKey();
    for (const wait of [0, 1000, 2000]) {
      clock.advance(wait);
      expect(recoverAddress(DIGEST, await signer.signDigest(DIGEST))).toBe(ADDRESS);
    }
    expect(first).toMatchObject({ asked: { length: 4 }, invalidations: 3 });
    expect(second.asked).toHaveLength(3);
    expect(events).toEqual(["open a SIGNATURE_MISMATCH"]);
    expect(key.state()[0]).toMatchObject({ state: "open", lastError: "SIGNATURE_MISMATCH" });
    await signerError(signer.verifyKey(), "ADDRESS_MISMATCH");
  });
});

describe("verifyIdentity", () => {
  test("asks every replica, and succeeds if each that responds has the account's key", async () => {
    const { key, first, second, signer } = failoverOf(PRIVATE_KEY, PRIVATE_KEY);
    await key.verifyIdentity();
    await signer.verifyKey();
    // Once for the public key, and once for each of the two.
    expect([first.fetches, second.fetches]).toEqual([3, 3]);
    second.break(failure("BACKEND_UNAVAILABLE"));
    await key.verifyIdentity();
    expect([...first.asked, ...second.asked]).toEqual([]);
  });

  test("throws KEY_CHANGED of a replica that finds it by its own means", async () => {
    const { key, second } = failoverOf(PRIVATE_KEY, PRIVATE_KEY);
    Object.assign(second, { verifyIdentity: () => Promise.reject(failure("KEY_CHANGED")) });
    expect(await signerError(key.verifyIdentity(), "KEY_CHANGED")).toMatchObject({
      keyId: "b",
      operation: "verifyKey",
    });
    expect(key.state().map(({ state }) => state)).toEqual(["closed", "closed"]);
  });

  test("throws one error for all if every replica fails, and the signal's reason if it aborts", async () => {
    const { key, first, second } = failoverOf(PRIVATE_KEY, PRIVATE_KEY);
    first.break(failure("ACCESS_DENIED"));
    second.break(failure("THROTTLED"));
    const error = await signerError(key.verifyIdentity(), "THROTTLED");
    expect(error).toMatchObject({ keyId: "a | b", operation: "verifyKey" });
    expect(error.info?.["replicas"]).toMatchObject([{ code: "ACCESS_DENIED" }, { code: "THROTTLED" }]);
    expect(await rejection(key.verifyIdentity({ signal: AbortSignal.abort("enough") }))).toBe("enough");
  });
});

describe("health", () => {
  test("is the preferred replica's own, with each of them, and ready if any is", async () => {
    const { key, first, second, signer } = failoverOf(PRIVATE_KEY, PRIVATE_KEY);
    const info = { ready: true, error: undefined, sessions: 4 };
    Object.assign(first, { health: async () => info });
    expect(await key.health()).toEqual({ ...info, replicas: [info, { ready: true, error: undefined }] });
    expect(await signer.health()).toEqual(await key.health());
    const error = failure("ACCESS_DENIED");
    Object.assign(first, { health: async () => ({ ...info, ready: false, error }) });
    expect(await key.health()).toMatchObject({
      ready: true,
      error: undefined,
      replicas: [{ ready: false, error }, {}],
    });
    second.break(failure("THROTTLED"));
    expect(await key.health()).toMatchObject({
      ready: false,
      error,
      sessions: 4,
      replicas: [{ error }, { ready: false, error: { code: "THROTTLED", keyId: "b" } }],
    });
    expect([...first.asked, ...second.asked]).toEqual([]);
    expect(key.state().map(({ state }) => state)).toEqual(["closed", "closed"]);
    expect(await rejection(key.health({ signal: AbortSignal.abort("enough") }))).toBe("enough");
  });
});

describe("onStateChange", () => {
  test("that throws fails no call", async () => {
    const unseen: unknown[] = [];
    const { key, replicas } = failover(["a", "b"], {
      onStateChange: () => {
        throw new Error("the listener's own");
      },
    });
    replicas[0].break(failure("BACKEND_UNAVAILABLE"));
    const queue = globalThis.queueMicrotask;
    globalThis.queueMicrotask = (task) => {
      try {
        task();
      } catch (error) {
        unseen.push(error);
      }
    };
    try {
      await key.signDigest(DIGEST);
    } finally {
      globalThis.queueMicrotask = queue;
    }
    expect(unseen).toMatchObject([{ message: "the listener's own" }]);
  });
});

describe("an error that fails over to no other replica", () => {
  test("is one of a code that is not known, as of a later version", async () => {
    const { replicas, key } = failover(["a", "b"]);
    const [a, b] = replicas;
    await key.getPublicKey();
    a.break(new SignerError("REFUSED_BY_A_PERSON" as SignerErrorCode, "no"));
    expect(await rejection(key.signDigest(DIGEST))).toMatchObject({ code: "REFUSED_BY_A_PERSON", keyId: "a" });
    expect(b.asked).toHaveLength(0);
  });

  test("is one of ethers, unnoticed if it comes of a check that no caller waits for", async () => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown) => unhandled.push(reason);
    process.on("unhandledRejection", note);
    const { replicas, key, events } = failover(["a", "b"]);
    const [, b] = replicas;
    b.break(makeError("not so", "INVALID_ARGUMENT", { argument: "options", value: "" }));
    await key.signDigest(DIGEST);
    await until(() => b.fetches === 1);
    await turn();
    process.off("unhandledRejection", note);
    expect([unhandled, events]).toEqual([[], []]);
  });
});

const RESET_TIMEOUT = 1000;
// Real milliseconds: an attempt without a response takes this long.
const ATTEMPT_TIMEOUT = 5;

const another = new ReplicaKey("another", id("another"));

const FAULTS: Readonly<Record<string, SignFault | undefined>> = {
  healthy: undefined,
  unavailable: () => Promise.reject(failure("BACKEND_UNAVAILABLE")),
  throttled: () => Promise.reject(failure("THROTTLED")),
  refused: () => Promise.reject(failure("ACCESS_DENIED")),
  foreign: () => Promise.reject(new Error("socket hang up")),
  throws: () => {
    throw new TypeError("no such function");
  },
  silent: never,
  slow: async (honest, digest) => {
    await new Promise((resolve) => setTimeout(resolve, 2));
    return honest.signDigest(digest);
  },
  "wrong key": (_honest, digest) => another.signDigest(digest),
  "wrong digest": (honest) => honest.signDigest(new Uint8Array(32)),
  "out of range": async () => ({ r: 0n, s: 0n }),
  nothing: async () => undefined as never,
};

const step = fc.oneof(
  fc.record({
    kind: fc.constant("fault" as const),
    replica: fc.nat(2),
    fault: fc.constantFrom(...Object.keys(FAULTS)),
    fetching: fc.boolean(),
  }),
  fc.record({ kind: fc.constant("sign" as const), calls: fc.integer({ min: 1, max: 8 }) }),
  fc.record({ kind: fc.constant("wait" as const), ms: fc.integer({ min: 1, max: 9 * RESET_TIMEOUT }) }),
);

const fault = (replica: number) => ({ kind: "fault" as const, replica, fault: "nothing", fetching: false });
const signing = { kind: "sign" as const, calls: 2 };

describe("under any schedule of faults", () => {
  test("every call settles, no signature is wrong, and the preferred replica signs again once it has recovered", async () => {
    let [signed, failed] = [0, 0];
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 14 }), async (steps) => {
        const replicas = ["a", "b", "c"].map((name) => new ReplicaKey(name));
        const key = new FailoverKey(replicas, {
          expectedAddress: ADDRESS,
          attemptTimeout: ATTEMPT_TIMEOUT,
          resetTimeout: RESET_TIMEOUT,
        });
        let count = 0;
        const signAndCheck = async () => {
          const digest = getBytes(id(`digest ${count++}`));
          expect(recoverAddress(digest, await key.sign(digest, {}))).toBe(ADDRESS);
        };

        for (const action of steps) {
          if (action.kind === "wait") clock.advance(action.ms);
          if (action.kind === "fault") {
            const { faulty } = replicas[action.replica] as ReplicaKey;
            faulty.onSign = FAULTS[action.fault];
            if (action.fetching) faulty.onFetch = () => Promise.reject(failure("BACKEND_UNAVAILABLE"));
            else faulty.onFetch = undefined;
          }
          if (action.kind === "sign") {
            // Without a healthy replica a call may fail; with one it must not.
            const healthy = replicas.some(({ faulty }) => !faulty.onSign && !faulty.onFetch);
            const outcomes = await Promise.allSettled(Array.from({ length: action.calls }, signAndCheck));
            for (const outcome of outcomes) {
              if (outcome.status === "fulfilled") signed++;
              else {
                failed++;
                expect(healthy).toBe(false);
                expect(isSignerError(outcome.reason)).toBe(true);
              }
            }
          }
        }

        const [preferred] = replicas as [ReplicaKey];
        preferred.repair();
        clock.advance(8 * RESET_TIMEOUT);
        await signAndCheck();
        const before = preferred.asked.length;
        await Promise.all([signAndCheck(), signAndCheck()]);
        expect(preferred.asked).toHaveLength(before + 2);
        expect(key.state()[0]).toMatchObject({ state: "closed", lastError: undefined });
        await key.close();
      }),
      // Random schedules seldom leave no replica.
      { numRuns: cases(100, 15), examples: [[[signing, fault(0), fault(1), fault(2), signing]]] },
    );
    // Both kinds of outcome did occur.
    expect(Math.min(signed, failed)).toBeGreaterThan(0);
  }, 120_000);
});
