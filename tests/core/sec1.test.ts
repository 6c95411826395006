import { describe, expect, test } from "@jest/globals";
import { pointFromSec1 } from "../../src/core/sec1.ts";
import { Point, times } from "./reference.ts";
import { bytes, PRIME } from "./support.ts";

const hex = (value: bigint, length = 32) => value.toString(16).padStart(2 * length, "0");

/** The first k·G, k from 1 on, of which `is` holds. */
const firstPoint = (is: (point: { readonly x: bigint; readonly y: bigint }) => boolean) => {
  let point = Point.BASE;
  while (!is(point.toAffine())) point = point.add(Point.BASE);
  return point.toAffine();
};

describe("pointFromSec1", () => {
  test("reads both forms of a point, of either parity", () => {
    for (const factor of [1n, 2n, 3n, 4n, 5n, 6n, -1n, -2n]) {
      const point = times(factor);
      expect(pointFromSec1(point.toBytes(false))).toEqual(point.toAffine());
      expect(pointFromSec1(point.toBytes(true))).toEqual(point.toAffine());
    }
  });

  test("refuses a y without its leading zero, or with one too many: a coordinate has 32 bytes", () => {
    const { x, y } = firstPoint((point) => point.y < 2n ** 248n);
    expect(pointFromSec1(bytes(`04${hex(x)}${hex(y)}`))).toEqual({ x, y });
    expect(pointFromSec1(bytes(`04${hex(x)}${hex(y, 31)}`))).toBeUndefined();
    expect(pointFromSec1(bytes(`04${hex(x)}${hex(y, 33)}`))).toBeUndefined();
  });

  test("refuses a coordinate of p or more, though it is the coordinate of a point modulo p", () => {
    // Only what is below 2^256 - p has a second form of 32 bytes: a small x, and a y whose x is a cube root.
    const { x, y } = Point.fromHex(`02${hex(1n)}`).toAffine();
    expect(pointFromSec1(bytes(`04${hex(x)}${hex(y)}`))).toEqual({ x, y });
    expect(pointFromSec1(bytes(`04${hex(x + PRIME)}${hex(y)}`))).toBeUndefined();
    const low = pointWithSmallY();
    expect(pointFromSec1(bytes(`04${hex(low.x)}${hex(low.y)}`))).toEqual(low);
    expect(pointFromSec1(bytes(`04${hex(low.x)}${hex(low.y + PRIME)}`))).toBeUndefined();
  });

  test.each([
    ["nothing", ""],
    ["the point at infinity", "00"],
    ["a prefix alone", "04"],
    ["an x of no point", `02${hex(0n)}`],
    ["an x of no point, and a y", `04${hex(0n)}${hex(1n)}`],
    ["a compressed point with the prefix of the uncompressed form", `04${hex(1n)}`],
    ["a compressed point with the prefix of the hybrid form", `06${hex(1n)}`],
    ["an uncompressed point with the prefix of the compressed form", `02${Point.BASE.toHex(false).slice(2)}`],
    ["a hybrid point", `06${Point.BASE.toHex(false).slice(2)}`],
  ])("refuses %s", (_name, sec1) => {
    expect(pointFromSec1(bytes(sec1))).toBeUndefined();
  });
});

/** A point with a y next to 0: x is a cube root of y² - 7, which one y in three has. */
function pointWithSmallY(): { readonly x: bigint; readonly y: bigint } {
  for (let y = 1n; ; y += 1n) {
    // p is 7 modulo 9, so that a^((p + 2)/9) is a cube root of a where there is one.
    const x = power(y * y - 7n, (PRIME + 2n) / 9n);
    if ((x ** 3n - y * y + 7n) % PRIME === 0n) return { x, y };
  }
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  let square = ((base % PRIME) + PRIME) % PRIME;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % PRIME;
    square = (square * square) % PRIME;
  }
  return result;
}
