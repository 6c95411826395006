import { runInNewContext } from "node:vm";
import { describe, expect, test } from "@jest/globals";
import { equalBytes, requireBytes } from "../../src/core/bytes.ts";

describe("requireBytes", () => {
  test("gives the very array back, a Buffer and one of another realm too", () => {
    const foreign = runInNewContext("Uint8Array.of(1, 2)");
    for (const value of [new Uint8Array(3), Buffer.from("abc"), foreign]) expect(requireBytes(value, "it")).toBe(value);
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
