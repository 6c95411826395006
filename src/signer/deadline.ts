import { SignerError, type SignerErrorContext } from "../core/errors.ts";
import { onAbort } from "./on-abort.ts";

export interface DeadlineOptions {
  /** Rejects with the signal's `reason` as soon as it aborts. */
  readonly signal?: AbortSignal | undefined;
  /** Further such signals: of what may close or be lost meanwhile. */
  readonly others?: readonly AbortSignal[] | undefined;
  /** Rejects with the error that `error` returns after `ms` milliseconds. It gets what {@link nameWaiting} was told. */
  readonly deadline?: { readonly ms: number; readonly error: (waitedFor: string | undefined) => Error } | undefined;
}

const waiting = new WeakMap<AbortSignal, () => string | undefined>();

/** Lets the deadline behind `signal` name whom it waited for: the source of the credentials, say; undefined for the backend itself. */
export function nameWaiting(signal: AbortSignal, who: () => string | undefined): void {
  waiting.set(signal, who);
}

/** BACKEND_TIMEOUT of `target`; or, if the call still waited for another, of that one, before `target` was asked. */
export function timeoutError(
  target: string,
  waitedFor: string | undefined,
  ms: number,
  context: SignerErrorContext,
): SignerError {
  const unasked = waitedFor === undefined ? "" : `, and ${target} was not asked`;
  return new SignerError(
    "BACKEND_TIMEOUT",
    `${waitedFor ?? target} did not respond within ${ms} ms${unasked}; check that it can be reached, or raise timeout`,
    { ...context, info: waitedFor === undefined ? undefined : { source: waitedFor } },
  );
}

/**
 * Waits for `call` no longer than `options` allow, even if it ignores the signal that it is passed.
 *
 * That signal aborts when the wait ends early; what `call` returns afterwards is dropped. The timer and the listener are always
 * removed. The timer keeps the process alive, since a caller awaits the result.
 */
export async function withDeadline<T>(
  call: (signal: AbortSignal) => Promise<T>,
  { signal, others = [], deadline }: DeadlineOptions,
): Promise<T> {
  const signals = signal ? [signal, ...others] : others;
  for (const each of signals) each.throwIfAborted();
  const either = new AbortController();
  const timer = deadline && setTimeout(() => either.abort(deadline.error(waiting.get(either.signal)?.())), deadline.ms);
  // Not AbortSignal.any: Node 20 keeps an entry of every signal made of a long-lived one, as that of a shutdown.
  const releases = signals.map((each) => onAbort(each, () => either.abort(each.reason)));
  const ended = new Promise<never>((_, reject) => {
    either.signal.addEventListener("abort", () => reject(either.signal.reason), { once: true });
  });
  try {
    return await Promise.race([ended, call(either.signal)]);
  } finally {
    clearTimeout(timer);
    for (const release of releases) release();
  }
}
