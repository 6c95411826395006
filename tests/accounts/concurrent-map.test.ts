import { describe, expect, test } from "@jest/globals";
import { concurrentMap } from "../../src/accounts/concurrent-map.ts";
import { ties } from "../support/ties.ts";

async function* upTo(count: number): AsyncGenerator<number, void> {
  for (let index = 0; index < count; index++) yield index;
}

async function all<T>(results: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const result of results) list.push(result);
  return list;
}

const tick = () => new Promise((resolve) => setTimeout(resolve, 1));

describe("concurrentMap", () => {
  test.each([1, 3, 100])("runs every item, %i at a time at most", async (concurrency) => {
    let running = 0;
    let most = 0;
    const double = async (item: number) => {
      most = Math.max(most, ++running);
      await tick();
      running--;
      return item * 2;
    };
    const results = await all(concurrentMap(() => upTo(40), double, { concurrency }));
    expect(results.sort((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, index) => index * 2));
    expect(most).toBe(Math.min(concurrency, 40));
  });

  test("gives what is ready first", async () => {
    const task = async (item: number) => {
      if (item === 0) await tick();
      return item;
    };
    const results = await all(concurrentMap(() => upTo(3), task, { concurrency: 3 }));
    expect(results).toEqual([1, 2, 0]);
  });

  test.each(["the source", "a task"])(
    "ends with the failure of %s, its work aborted and the source closed",
    async (who) => {
      const failure = new Error(who);
      const signals: AbortSignal[] = [];
      let closed = false;
      async function* source() {
        try {
          yield 0;
          yield 1;
          if (who === "the source") throw failure;
          yield 2;
        } finally {
          closed = true;
        }
      }
      const task = (item: number, signal: AbortSignal) => {
        signals.push(signal);
        if (item === 1 && who === "a task") return Promise.reject(failure);
        return new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
      };
      await expect(all(concurrentMap(source, task, { concurrency: 5 }))).rejects.toBe(failure);
      expect(signals.every(({ aborted }) => aborted)).toBe(true);
      expect(closed).toBe(true);
    },
  );

  test("leaving it aborts what was started, and waits for that", async () => {
    let ended = 0;
    const task = (item: number, signal: AbortSignal) =>
      new Promise<number>((resolve, reject) => {
        if (item === 0) return void setTimeout(() => resolve(item), 5);
        signal.addEventListener("abort", async () => {
          await tick();
          ended++;
          reject(signal.reason);
        });
      });
    for await (const first of concurrentMap(() => upTo(10), task, { concurrency: 4 })) {
      expect(first).toBe(0);
      break;
    }
    expect(ended).toBe(3);
  });

  test("a failure while no caller asks is not unhandled, and comes with the next question", async () => {
    const failure = new Error("meanwhile");
    const task = async (item: number) => {
      if (item === 0) return item;
      await tick();
      throw failure;
    };
    const results = concurrentMap(() => upTo(2), task, { concurrency: 2 });
    expect(await results.next()).toEqual({ done: false, value: 0 });
    await tick();
    await tick();
    await expect(results.next()).rejects.toBe(failure);
    expect(await results.next()).toEqual({ done: true, value: undefined });
  });

  test("the caller's signal ends it with its reason, also before it begins", async () => {
    const controller = new AbortController();
    const task = async (item: number) => item;
    const results = concurrentMap(() => upTo(10), task, { concurrency: 2, signal: controller.signal });
    await results.next();
    const reason = new Error("enough");
    controller.abort(reason);
    await expect(results.next()).rejects.toBe(reason);
    const late = concurrentMap(() => upTo(10), task, { concurrency: 2, signal: controller.signal });
    await expect(late.next()).rejects.toBe(reason);
  });

  test("leaves nothing on the caller's signal, which may live as long as the process", async () => {
    const { signal } = new AbortController();
    for (let round = 0; round < 3; round++) {
      await all(
        concurrentMap(
          () => upTo(5),
          async (item) => item,
          { concurrency: 2, signal },
        ),
      );
    }
    for await (const _first of concurrentMap(
      () => upTo(5),
      async (item) => item,
      { concurrency: 2, signal },
    ))
      break;
    expect(ties(signal)).toBe(0);
  });
});
