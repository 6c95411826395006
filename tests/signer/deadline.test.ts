import { getEventListeners } from "node:events";
import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { withDeadline } from "../../src/signer/deadline.ts";
import { onAbort } from "../../src/signer/on-abort.ts";
import { ties } from "../support/ties.ts";

const listeners = (signal: AbortSignal) => getEventListeners(signal, "abort").length;
const never = () => new Promise<never>(() => {});
const deadline = (ms: number) => ({ ms, error: () => new Error(`not within ${ms} ms`) });

describe("withDeadline", () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  test("returns what the call returns, and removes the timer and the listener", async () => {
    const { signal } = new AbortController();
    expect(await withDeadline(async () => 7, { signal, deadline: deadline(100) })).toBe(7);
    expect([jest.getTimerCount(), ties(signal)]).toEqual([0, 0]);
  });

  test("rejects with the deadline's error after exactly its time, and with the same error aborts the call's signal", async () => {
    const { signal } = new AbortController();
    let inner: AbortSignal | undefined;
    const call = (given: AbortSignal) => {
      inner = given;
      return never();
    };
    const waiting = withDeadline(call, { signal, deadline: deadline(100) });
    const failed = expect(waiting).rejects.toThrow("not within 100 ms");
    await jest.advanceTimersByTimeAsync(99);
    expect(inner?.aborted).toBe(false);
    await jest.advanceTimersByTimeAsync(1);
    await failed;
    expect(await waiting.catch((error) => error)).toBe(inner?.reason);
    expect([jest.getTimerCount(), ties(signal)]).toEqual([0, 0]);
  });

  test("rejects with the reason of any of the other signals, and leaves nothing on any", async () => {
    const [one, two, three] = [new AbortController(), new AbortController(), new AbortController()];
    const others = [two.signal, three.signal];
    const waiting = withDeadline(never, { signal: one.signal, others, deadline: deadline(100) });
    three.abort("lost");
    await expect(waiting).rejects.toBe("lost");
    await expect(withDeadline(async () => 7, { signal: one.signal, others })).rejects.toBe("lost");
    expect(await withDeadline(async () => 7, { others: [two.signal] })).toBe(7);
    expect([jest.getTimerCount(), ...[one, two, three].map(({ signal }) => ties(signal))]).toEqual([0, 0, 0, 0]);
  });

  test("rejects with the signal's reason as soon as it aborts, though the call ignores that", async () => {
    const controller = new AbortController();
    let inner: AbortSignal | undefined;
    const call = (given: AbortSignal) => {
      inner = given;
      return never();
    };
    const waiting = withDeadline(call, { signal: controller.signal, deadline: deadline(100) });
    controller.abort("enough");
    await expect(waiting).rejects.toBe("enough");
    expect(inner?.reason).toBe("enough");
    expect([jest.getTimerCount(), ties(controller.signal)]).toEqual([0, 0]);
  });

  test("does not begin a call whose signal has aborted", async () => {
    const reason = new Error("changed my mind");
    const call = jest.fn(async () => 7);
    const options = { signal: AbortSignal.abort(reason), deadline: deadline(100) };
    await expect(withDeadline(call, options)).rejects.toBe(reason);
    expect(call).not.toHaveBeenCalled();
    expect(jest.getTimerCount()).toBe(0);
  });

  test("rejects if the call rejects, or throws before it returns a promise", async () => {
    const error = new Error("down");
    const { signal } = new AbortController();
    const calls = [
      () => Promise.reject(error),
      () => {
        throw error;
      },
    ];
    for (const call of calls) {
      await expect(withDeadline(call, { signal, deadline: deadline(100) })).rejects.toBe(error);
      expect([jest.getTimerCount(), ties(signal)]).toEqual([0, 0]);
    }
  });

  test("drops what the call does after the wait ended: neither a result nor an unhandled rejection", async () => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown) => unhandled.push(reason);
    process.on("unhandledRejection", note);
    const { promise, reject } = withResolvers();
    const waiting = withDeadline(() => promise, { deadline: deadline(100) });
    const failed = expect(waiting).rejects.toThrow("not within 100 ms");
    await jest.advanceTimersByTimeAsync(100);
    await failed;
    reject(new Error("too late"));
    jest.useRealTimers();
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
    process.off("unhandledRejection", note);
    expect(unhandled).toEqual([]);
  });

  test("of many calls that share a signal, at once and one after the other, warns of no leak and leaves no trace", async () => {
    const warnings: unknown[] = [];
    const note = (warning: unknown) => warnings.push(warning);
    process.on("warning", note);
    const controller = new AbortController();
    const { signal } = controller;
    for (let count = 0; count < 50; count++) await withDeadline(async () => count, { signal });
    expect(ties(signal)).toBe(0);
    const waiting = Array.from({ length: 50 }, () => withDeadline(never, { signal, deadline: deadline(100) }));
    expect(listeners(signal)).toBe(1);
    const outcomes = Promise.allSettled(waiting);
    controller.abort("all of them");
    expect(new Set((await outcomes).map((outcome) => "reason" in outcome && outcome.reason))).toEqual(
      new Set(["all of them"]),
    );
    jest.useRealTimers();
    await new Promise((resolve) => setImmediate(resolve));
    process.off("warning", note);
    expect(warnings).toEqual([]);
    expect(ties(signal)).toBe(0);
  });
});

describe("onAbort", () => {
  test("calls every callback once, in order, however many wait for one signal", () => {
    const controller = new AbortController();
    const called: number[] = [];
    for (let index = 0; index < 100; index += 1) onAbort(controller.signal, () => called.push(index));
    expect(listeners(controller.signal)).toBe(1);
    controller.abort();
    expect(called).toEqual(Array.from({ length: 100 }, (_, index) => index));
  });

  test("counts the same callback twice as two", () => {
    const controller = new AbortController();
    let calls = 0;
    const callback = () => {
      calls += 1;
    };
    const release = onAbort(controller.signal, callback);
    onAbort(controller.signal, callback);
    release();
    controller.abort();
    expect(calls).toBe(1);
  });

  test("leaves nothing once all were released; a second release takes nothing from later callbacks", () => {
    const controller = new AbortController();
    const { signal } = controller;
    const releases = [1, 2, 3].map(() => onAbort(signal, () => undefined));
    for (const release of releases) release();
    expect(listeners(signal)).toBe(0);
    let called = false;
    onAbort(signal, () => {
      called = true;
    });
    for (const release of releases) release();
    const another = onAbort(signal, () => undefined);
    expect(listeners(signal)).toBe(1);
    another();
    controller.abort();
    expect(called).toBe(true);
  });

  test("lets a callback release the others", () => {
    const controller = new AbortController();
    const called: string[] = [];
    onAbort(controller.signal, () => {
      called.push("first");
      releaseSecond();
    });
    const releaseSecond = onAbort(controller.signal, () => called.push("second"));
    controller.abort();
    expect(called[0]).toBe("first");
    expect(listeners(controller.signal)).toBeLessThanOrEqual(1);
  });
});

function withResolvers(): { readonly promise: Promise<never>; readonly reject: (reason: unknown) => void } {
  let reject: (reason: unknown) => void = () => {};
  const promise = new Promise<never>((_, rejectPromise) => {
    reject = rejectPromise;
  });
  return { promise, reject };
}
