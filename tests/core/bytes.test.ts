import { runInNewContext } from "node:vm";
import { describe, expect, test } from "@jest/globals";
import { equalBytes, requireBytes } from "../../src/core/bytes.ts";

describe("requireBytes", () => {
  test("gives the same memory, of a Buffer and of another realm too", () => {
    const foreign = runInNewContext("Uint8Array.of(1, 2, 3, 4).subarray(1, 3)");
    for (const value of [new Uint8Array(3), Buffer.from("abc").subarray(1), foreign]) {
      const bytes = requireBytes(value, "it");
      expect(bytes).toBeInstanceOf(Uint8Array);
      expect([bytes.constructor, bytes.length]).toEqual([Uint8Array, value.length]);
      value[1] = 77;
      expect(bytes[1]).toBe(77);
    }
  });

  test("is not fooled by what calls itself one", () => {
    const fake = { [Symbol.toStringTag]: "Uint8Array", length: 1, 0: 1 };
    expect(() => requireBytes(fake, "it")).toThrow("it is no Uint8Array but object");
  });

  test.each([
    [null, "the digest is no Uint8Array but null"],
    [undefined, "the digest is no Uint8Array but undefined"],
    ["0x", "the digest is no Uint8Array but string"],
    [[1], "the digest is no Uint8Array but object"],
  ])("says of %p what it is", (value, message) => {
    expect(() => requireBytes(value, "the digest")).toThrow(message);
  });
});

describe("equalBytes", () => {
  test.each([
    ["equal ones", [1, 2, 3], [1, 2, 3], true],
    ["none and none", [], [], true],
    ["another last byte", [1, 2, 3], [1, 2, 4], false],
    ["another first byte", [1, 2, 3], [0, 2, 3], false],
    ["a shorter one", [1, 2, 3], [1, 2], false],
    ["a longer one", [1, 2], [1, 2, 3], false],
  ])("of %s", (_name, a, b, expected) => {
    expect(equalBytes(Uint8Array.from(a), Uint8Array.from(b))).toBe(expected);
  });
});
