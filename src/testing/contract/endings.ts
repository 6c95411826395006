import { isSignerError } from "../../core/errors.ts";
import type { RemoteKey } from "../../signer/remote-key.ts";
import { expect, rejectionOf, shown } from "./expectation.ts";
import type { Requirement } from "./requirement.ts";
import { digestOf } from "./signatures.ts";
import { requireValid, signAndVerify } from "./verify.ts";

async function requireClosed(key: RemoteKey): Promise<void> {
  for (const [name, call] of [
    ["getPublicKey", () => key.getPublicKey()],
    ["signDigest", () => key.signDigest(digestOf(14))],
  ] as const) {
    const what = `${name} after close()`;
    const error = await rejectionOf(call, what);
    expect(isSignerError(error, "SIGNER_CLOSED"), `${what} must be SIGNER_CLOSED, not ${shown(error)}`, error);
  }
}

/** How it ends. A key without `close` has nothing to end. */
export const endings: Readonly<Record<string, Requirement>> = {
  "closing is idempotent, and later calls are SIGNER_CLOSED": async (key) => {
    if (!key.close) return;
    await signAndVerify(key, digestOf(15));
    await key.close();
    await requireClosed(key);
    await key.close();
    await requireClosed(key);
  },

  "a key that was never used can be closed, twice at once": async (key) => {
    if (!key.close) return;
    await Promise.all([key.close(), key.close()]);
    await requireClosed(key);
  },

  "closing while calls are under way: each is answered, or refused as SIGNER_CLOSED": async (key) => {
    if (!key.close) return;
    const publicKey = await key.getPublicKey();
    const calls = Array.from({ length: 4 }, (_, index) => key.signDigest(digestOf(300 + index)));
    const closing = key.close();
    for (const [index, outcome] of (await Promise.allSettled(calls)).entries()) {
      if (outcome.status === "fulfilled") requireValid(publicKey, digestOf(300 + index), outcome.value);
      else {
        const refused = isSignerError(outcome.reason, "SIGNER_CLOSED");
        expect(refused, `it must be SIGNER_CLOSED, not ${shown(outcome.reason)}`, outcome.reason);
      }
    }
    await closing;
    await requireClosed(key);
  },
};
