import { median } from "./statistics.ts";

/** Something that can be done again and again. */
export interface Work {
  readonly name: string;
  /** Does it once; `index` counts from 0. */
  perform(index: number): unknown;
}

/**
 * Times each work in turn, round by round, in this process, so that whatever slows the machine strikes all of them.
 *
 * @returns milliseconds for one, by name: the median of the rounds.
 */
export async function alternate(
  works: readonly Work[],
  { rounds, count, warmUp }: { readonly rounds: number; readonly count: number; readonly warmUp: number },
): Promise<ReadonlyMap<string, number>> {
  const times = new Map(works.map(({ name }) => [name, [] as number[]]));
  for (const work of works) await repeat(work, warmUp);
  for (let round = 0; round < rounds; round += 1) {
    for (const work of round % 2 === 0 ? works : [...works].reverse()) {
      const started = performance.now();
      await repeat(work, count);
      times.get(work.name)?.push((performance.now() - started) / count);
    }
  }
  return new Map([...times].map(([name, each]) => [name, median(each)]));
}

async function repeat(work: Work, count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    // Awaiting what is no promise would cost the synchronous ones a turn of the microtask queue.
    const result = work.perform(index);
    if (result instanceof Promise) await result;
  }
}
