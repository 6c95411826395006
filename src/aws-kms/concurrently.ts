/**
 * The results of `work` for the items of `source`, as they come, with at most `limit` of them under way or waiting to be
 * taken: who takes results slowly slows the work down.
 *
 * The first failure ends it. What is under way then, and when the consumer stops early, is not waited for, and its failure
 * is nobody's: end it with a signal.
 */
export async function* concurrently<T, R>(
  source: AsyncIterable<T>,
  limit: number,
  work: (item: T) => Promise<R>,
): AsyncGenerator<R, void, undefined> {
  const running = new Set<Promise<void>>();
  const finished: (() => R)[] = [];

  const start = (item: T) => {
    const run: Promise<void> = work(item)
      .then(
        (result) => () => result,
        (error: unknown) => () => {
          throw error;
        },
      )
      .then((outcome) => {
        running.delete(run);
        finished.push(outcome);
      });
    running.add(run);
  };

  async function* take(below: number) {
    while (running.size + finished.length >= below) {
      if (finished.length === 0) await Promise.race(running);
      for (const outcome of finished.splice(0)) yield outcome();
    }
  }

  for await (const item of source) {
    start(item);
    yield* take(limit);
  }
  yield* take(1);
}
