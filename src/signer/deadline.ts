import { onAbort } from "./on-abort.ts";

export interface DeadlineOptions {
  /** Rejects with the signal's `reason` as soon as it aborts. */
  readonly signal?: AbortSignal | undefined;
  /** Further such signals: of what may close or be lost meanwhile. */
  readonly others?: readonly AbortSignal[] | undefined;
  /** Rejects with the error that `error` returns after `ms` milliseconds. */
  readonly deadline?: { readonly ms: number; readonly error: () => Error } | undefined;
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
  const timer = deadline && setTimeout(() => either.abort(deadline.error()), deadline.ms);
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
