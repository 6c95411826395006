import { expect, rejectionOf, shown, started } from "./expectation.ts";
import type { Requirement } from "./requirement.ts";
import { digestOf } from "./signatures.ts";
import { requireValid, signAndVerify } from "./verify.ts";

/** The caller's signal, and what becomes of the key after a refused answer. */
export const requestCases: Readonly<Record<string, Requirement>> = {
  "a signal that has aborted rejects with its reason, and the next call works": async (key) => {
    await requireReason("getPublicKey", (signal) => key.getPublicKey({ signal }));
    await requireReason("signDigest", (signal) => key.signDigest(digestOf(6), { signal }));
    await signAndVerify(key, digestOf(7));
    // A public key that is known needs no wait that could end; a signature always does.
    await requireReason("signDigest", (signal) => key.signDigest(digestOf(6), { signal }));
    await signAndVerify(key, digestOf(8));
  },

  "a signal that aborts meanwhile ends the call with its reason, or comes too late; the next call works": async (
    key,
  ) => {
    const publicKey = await key.getPublicKey();
    const controller = new AbortController();
    const signals = Array.from({ length: 8 }, () => controller.signal);
    const calls = signals.map((signal, index) => {
      return started(() => key.signDigest(digestOf(200 + index), { signal }), "signDigest");
    });
    const reason = new Error("the caller's reason");
    controller.abort(reason);
    for (const [index, outcome] of (await Promise.allSettled(calls)).entries()) {
      if (outcome.status === "fulfilled") requireValid(publicKey, digestOf(200 + index), outcome.value);
      else
        expect(outcome.reason === reason, `it must reject with the signal's reason, not with ${shown(outcome.reason)}`);
    }
    await signAndVerify(key, digestOf(9));
  },

  "one caller's signal does not end another's call": async (key) => {
    const publicKey = await key.getPublicKey();
    const controller = new AbortController();
    const aborted = key.signDigest(digestOf(10), { signal: controller.signal }).catch(() => undefined);
    const other = key.signDigest(digestOf(11));
    controller.abort();
    requireValid(publicKey, digestOf(11), await other);
    await aborted;
  },

  "after invalidate() it still signs": async (key) => {
    await signAndVerify(key, digestOf(12));
    key.invalidate?.();
    await signAndVerify(key, digestOf(13));
  },
};

async function requireReason(name: string, call: (signal: AbortSignal) => Promise<unknown>): Promise<void> {
  const signal = AbortSignal.abort(new Error("the caller's reason"));
  const what = `${name} with a signal that has aborted`;
  const error = await rejectionOf(() => call(signal), what);
  expect(error === signal.reason, `${what} must reject with its reason, not with ${shown(error)}`, error);
}
