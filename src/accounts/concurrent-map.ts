import { onAbort } from "../signer/on-abort.ts";

interface ConcurrentMapOptions {
  /** The most tasks at a time. */
  readonly concurrency: number;
  /** Ends the iteration with the signal's `reason`. */
  readonly signal?: AbortSignal | undefined;
}

interface Taken<T> {
  readonly taken: IteratorResult<T, void>;
}

interface Done<R> {
  readonly task: Promise<Done<R>>;
  readonly result: R;
}

/**
 * The results of `task` for every item of `source`, in the order in which they come. No more is started than there are
 * tasks at a time: a slow consumer slows the source. (p-map's iterable keeps the order: one slow key would hold up the others.)
 *
 * The first failure of the source or of a task ends the iteration, as leaving it does: the signal that both are given aborts,
 * and what was started is waited for, so that nothing goes on behind the caller's back.
 */
export async function* concurrentMap<T, R>(
  source: (signal: AbortSignal) => AsyncGenerator<T, void>,
  task: (item: T, signal: AbortSignal) => Promise<R>,
  { concurrency, signal }: ConcurrentMapOptions,
): AsyncGenerator<R, void> {
  signal?.throwIfAborted();
  const controller = new AbortController();
  const release = signal && onAbort(signal, () => controller.abort(signal.reason));
  const items = source(controller.signal);
  const tasks = new Set<Promise<Done<R>>>();
  let taking: Promise<Taken<T>> | undefined;
  let exhausted = false;
  try {
    for (;;) {
      controller.signal.throwIfAborted();
      if (!exhausted && tasks.size < concurrency) taking ??= handled(take(items));
      // Taken first, so that the next task has begun while the consumer is busy with a result.
      const pending = taking ? [taking, ...tasks] : [...tasks];
      if (pending.length === 0) return;
      const event = await Promise.race(pending);
      if ("task" in event) {
        tasks.delete(event.task);
        yield event.result;
        continue;
      }
      taking = undefined;
      if (event.taken.done) exhausted = true;
      else tasks.add(begin(task(event.taken.value, controller.signal)));
    }
  } finally {
    release?.();
    controller.abort();
    await Promise.allSettled([...tasks, taking]);
    await items.return();
  }
}

async function take<T>(items: AsyncGenerator<T, void>): Promise<Taken<T>> {
  return { taken: await items.next() };
}

function begin<R>(running: Promise<R>): Promise<Done<R>> {
  const task: Promise<Done<R>> = handled(running.then((result) => ({ task, result })));
  return task;
}

// It is not awaited while the consumer is busy: its failure must not count as unhandled meanwhile.
function handled<P>(promise: Promise<P>): Promise<P> {
  promise.catch(() => {});
  return promise;
}
