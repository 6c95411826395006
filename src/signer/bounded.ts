import { onAbort } from "./on-abort.ts";

export interface BoundedOptions {
  /** Rejects with the signal's `reason` as soon as it aborts. */
  readonly signal?: AbortSignal | undefined;
  /** Rejects with what `error` makes after `ms` milliseconds. */
  readonly deadline?: { readonly ms: number; readonly error: () => Error } | undefined;
}

/**
 * Runs `call` and waits for it no longer than `options` allow, also where it ignores the signal that it is given.
 *
 * That signal aborts when the wait ends early. What `call` answers afterwards is dropped. Neither a timer nor a listener is
 * left behind. The timer keeps the process alive, since somebody awaits the answer.
 */
export function bounded<T>(call: (signal: AbortSignal) => Promise<T>, options: BoundedOptions): Promise<T> {
  const { signal, deadline } = options;
  if (signal?.aborted) return Promise.reject(signal.reason);
  return new Promise<T>((resolve, reject) => {
    const controller = new AbortController();
    const giveUp = (reason: unknown) => {
      release();
      reject(reason);
      controller.abort(reason);
    };
    const timer = deadline && setTimeout(() => giveUp(deadline.error()), deadline.ms);
    const unlisten = signal && onAbort(signal, () => giveUp(signal.reason));
    const release = () => {
      clearTimeout(timer);
      unlisten?.();
    };
    // An async function, so that a call which throws at once rejects like any other.
    (async () => call(controller.signal))().finally(release).then(resolve, reject);
  });
}
