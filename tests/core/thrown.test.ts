import { describe, expect, test } from "@jest/globals";
import { readable } from "../../src/core/thrown.ts";

const boom = (): never => {
  throw new Error("a getter's own");
};

const inherits = (name: PropertyKey) => Object.create(Object.defineProperty({}, name, { get: boom }));

/** So many errors, each the cause of the one before. */
const chain = (length: number, last?: unknown): unknown =>
  length === 0 ? last : new Error(`${length}`, { cause: chain(length - 1, last) });

const circle = () => {
  const [first, second] = [new Error("first"), new Error("second")];
  first.cause = second;
  second.cause = first;
  return first;
};

const replacement = expect.objectContaining({ message: expect.stringContaining("cannot be read") });

describe("readable", () => {
  test.each<[string, unknown]>([
    ["nothing", undefined],
    ["null", null],
    ["text", "down"],
    ["a symbol", Symbol("down")],
    ["a function", boom],
    ["an error", new Error("x")],
    ["an object without a prototype", Object.create(null)],
    ["fifty errors, each the cause of another", chain(50)],
    ["an error that text is the cause of", new Error("x", { cause: "down" })],
  ])("leaves %s as it is", (_name, thrown) => {
    expect(readable(thrown)).toBe(thrown);
  });

  test.each<[string, () => unknown]>([
    ["an error that is its cause's cause", circle],
    ["fifty-one errors, each the cause of another", () => chain(51)],
    ["a proxy that answers to every name", () => new Proxy({}, { get: (): unknown => 1 })],
    ["a function that answers to every name", () => new Proxy(boom, { get: (): unknown => 1 })],
    ["a getter of its own that throws", () => Object.defineProperty({}, Symbol("x"), { get: boom })],
    ["a cause whose message throws", () => chain(3, inherits("message"))],
    ["a function whose name throws", () => Object.defineProperty(() => 1, "name", { get: boom })],
    ...["name", "message", "stack", "cause", "code", "shortMessage", "info", "errors", "toString"].map(
      (name): [string, () => unknown] => [`an inherited ${name} that throws`, () => inherits(name)],
    ),
  ])("gives an Error in place of %s", (_name, make) => {
    const given = readable(make());
    expect(given).toBeInstanceOf(Error);
    expect(given).toEqual(replacement);
  });
});
