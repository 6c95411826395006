import { getEventListeners } from "node:events";
import { expect, test } from "@jest/globals";
import { onAbort } from "../../src/signer/on-abort.ts";

const listeners = (signal: AbortSignal) => getEventListeners(signal, "abort").length;

test("calls every callback once, in order, however many wait for one signal", () => {
  const controller = new AbortController();
  const called: number[] = [];
  for (let index = 0; index < 100; index += 1) onAbort(controller.signal, () => called.push(index));
  expect(listeners(controller.signal)).toBe(1);
  controller.abort();
  expect(called).toEqual(Array.from({ length: 100 }, (_, index) => index));
});

test("the same callback twice counts twice", () => {
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

test("nothing is left once all have let go, and letting go twice takes nothing from those who came later", () => {
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

test("a callback may let the others go", () => {
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
