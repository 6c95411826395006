import { getEventListeners } from "node:events";
import { expect, test } from "@jest/globals";
import { linkedSignal } from "../../src/signer/linked-signal.ts";

test("aborts with the first source that does, for its reason, and with one that is aborted already", () => {
  const [first, second] = [new AbortController(), new AbortController()];
  const { signal } = linkedSignal([first.signal, undefined, second.signal]);
  expect(signal.aborted).toBe(false);
  second.abort("two");
  first.abort("one");
  expect(signal.reason).toBe("two");
  expect(linkedSignal([new AbortController().signal, second.signal]).signal.reason).toBe("two");
});

test("has no ties to its sources once released", () => {
  const source = new AbortController();
  const links = Array.from({ length: 20 }, () => linkedSignal([source.signal, undefined]));
  expect(getEventListeners(source.signal, "abort")).toHaveLength(1);
  for (const { release } of links) release();
  expect(getEventListeners(source.signal, "abort")).toHaveLength(0);
  source.abort("late");
  expect(links.some(({ signal }) => signal.aborted)).toBe(false);
});
