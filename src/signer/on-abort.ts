interface Waiters {
  readonly callbacks: Set<() => void>;
  readonly listener: () => void;
}

const waiting = new WeakMap<AbortSignal, Waiters>();

/**
 * Calls `callback` when `signal` aborts, until the function that it returns is called.
 *
 * However many calls share a signal, it gets one listener: Node prints a warning about a leak from the eleventh on.
 */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  const waiters = waiting.get(signal) ?? listen(signal);
  // A function of its own, so that one callback passed twice counts twice.
  const entry = () => callback();
  waiters.callbacks.add(entry);
  return () => {
    if (!waiters.callbacks.delete(entry) || waiters.callbacks.size > 0) return;
    signal.removeEventListener("abort", waiters.listener);
    waiting.delete(signal);
  };
}

function listen(signal: AbortSignal): Waiters {
  const callbacks = new Set<() => void>();
  const listener = () => {
    for (const callback of [...callbacks]) callback();
  };
  signal.addEventListener("abort", listener);
  const waiters = { callbacks, listener };
  waiting.set(signal, waiters);
  return waiters;
}
