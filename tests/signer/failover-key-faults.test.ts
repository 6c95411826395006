import { describe, expect, test } from "@jest/globals";
import { getBytes, id } from "ethers";
import fc from "fast-check";
import { isSignerError } from "../../src/core/errors.ts";
import { verifiedYParity } from "../../src/core/y-parity.ts";
import { FailoverKey } from "../../src/signer/failover-key.ts";
import { never, type SignFault } from "../support/faulty-key.ts";
import { controlClock, failure, ReplicaKey } from "./failover-support.ts";

const clock = controlClock();
const FAILBACK_AFTER = 1000;
// Real milliseconds: an attempt that nobody answers takes this long.
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
  fc.record({ kind: fc.constant("wait" as const), ms: fc.integer({ min: 1, max: 9 * FAILBACK_AFTER }) }),
);

describe("under any schedule of faults", () => {
  test("every call settles, no signature is wrong, and the preferred replica signs again once it is well", async () => {
    let [signed, failed] = [0, 0];
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 14 }), async (steps) => {
        const replicas = ["a", "b", "c"].map((name) => new ReplicaKey(name));
        const key = new FailoverKey(replicas, { attemptTimeout: ATTEMPT_TIMEOUT, failbackAfter: FAILBACK_AFTER });
        const publicKey = await new ReplicaKey("honest").getPublicKey();
        let count = 0;
        const signAndCheck = async () => {
          const digest = getBytes(id(`digest ${count++}`));
          // Throws where the signature is wrong.
          verifiedYParity(publicKey, digest, await key.signDigest(digest));
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
        clock.advance(8 * FAILBACK_AFTER);
        await signAndCheck();
        const before = preferred.asked.length;
        await Promise.all([signAndCheck(), signAndCheck()]);
        expect(preferred.asked).toHaveLength(before + 2);
        expect(key.state()[0]).toMatchObject({ resting: false, excluded: false, lastError: undefined });
        await key.close();
      }),
      { numRuns: 100 },
    );
    // Both kinds of outcome did occur.
    expect(Math.min(signed, failed)).toBeGreaterThan(0);
  }, 120_000);
});
