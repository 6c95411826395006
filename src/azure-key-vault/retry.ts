import { isSignerError } from "../core/errors.ts";
import { isAbandoned } from "./credential.ts";

const FIRST_DELAY = 250;
const LONGEST_DELAY = 8_000;

export interface RetryOptions {
  readonly signal: AbortSignal;
  /** The time by `performance.now()` after which nobody waits for an answer. */
  readonly endsAt: number;
}

/**
 * Repeats what was throttled without a Retry-After, which the SDK does not: after a random time from 0 to 250 ms, 500 ms, and
 * so on up to 8 s ("full jitter"). When no time is left it fails as the last attempt did. What waited for a token that another
 * call gave up is repeated at once.
 */
export async function retry<T>(attempt: () => Promise<T>, { signal, endsAt }: RetryOptions): Promise<T> {
  for (let longest = FIRST_DELAY; ; longest = Math.min(longest * 2, LONGEST_DELAY)) {
    try {
      return await attempt();
    } catch (error) {
      const again = isAbandoned(error);
      const delay = again ? 0 : Math.random() * longest;
      if (signal.aborted || !(again || isBareThrottling(error)) || performance.now() + delay >= endsAt) throw error;
      await sleep(delay, signal);
    }
  }
}

function isBareThrottling(error: unknown): boolean {
  return (
    isSignerError(error, "THROTTLED") && error.info?.["statusCode"] === 429 && error.info["retryAfter"] === undefined
  );
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const giveUp = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", giveUp);
      resolve();
    }, ms);
    signal.addEventListener("abort", giveUp);
  });
}
