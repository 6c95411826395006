import { isSignerError, type SignerErrorCode } from "../core/errors.ts";
import { onAbort } from "../signer/on-abort.ts";

const FIRST_DELAY = 250;
const LONGEST_DELAY = 8_000;

export interface RetryOptions {
  readonly signal: AbortSignal;
  /** The time by `performance.now()` after which no retry may begin. */
  readonly endsAt: number;
  /**
   * `"backoff"`: after a random time from 0 to 250 ms, 500 ms, and so on to 8 s ("full jitter"). A number: after so many milliseconds.
   * `false`: the error is the result.
   */
  readonly when: (error: unknown) => "now" | "backoff" | number | false;
}

/** Retries as `when` says. If no time is left it fails as the last attempt did. */
export async function retry<T>(attempt: () => Promise<T>, { signal, endsAt, when }: RetryOptions): Promise<T> {
  for (let longest = FIRST_DELAY; ; longest = Math.min(longest * 2, LONGEST_DELAY)) {
    try {
      return await attempt();
    } catch (error) {
      const kind = when(error);
      const delay = kind === "backoff" ? Math.random() * longest : typeof kind === "number" ? kind : 0;
      if (signal.aborted || kind === false || performance.now() + delay >= endsAt) throw error;
      await sleep(delay, signal);
    }
  }
}

const CONSISTENCY_DELAYS = [100, 200, 400, 800, 1_600];

/** Retries while `call` fails with a code by which a service says that it does not know yet what it has just done. */
export async function retryUntilConsistent<T>(call: () => Promise<T>, notYet: readonly SignerErrorCode[]): Promise<T> {
  for (const ms of CONSISTENCY_DELAYS) {
    try {
      return await call();
    } catch (error) {
      if (!notYet.some((code) => isSignerError(error, code))) throw error;
    }
    await sleep(ms);
  }
  return call();
}

/** @throws the signal's reason. */
function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const release =
      signal &&
      onAbort(signal, () => {
        clearTimeout(timer);
        reject(signal.reason);
      });
    const timer = setTimeout(() => {
      release?.();
      resolve();
    }, ms);
  });
}
