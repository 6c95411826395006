import { describe, expect, test } from "@jest/globals";
import { GENERATOR, isOnCurve, ORDER, PRIME } from "../../src/core/curve.ts";
import { Point, times } from "./reference.ts";
import * as sec2 from "./support.ts";

test("the constants are those of SEC 2 v2, section 2.4.1", () => {
  expect(PRIME).toBe(sec2.PRIME);
  expect(ORDER).toBe(sec2.ORDER);
  expect(GENERATOR).toEqual(Point.BASE.toAffine());
});

describe("isOnCurve", () => {
  test("is true of points, with coordinates of either sign", () => {
    for (const factor of [1n, 2n, 3n, -1n, 0xc0ffeen, 2n ** 200n]) {
      const { x, y } = times(factor).toAffine();
      for (const point of [
        { x, y },
        { x, y: -y },
        { x: x - PRIME, y },
        { x: x - PRIME, y: y - PRIME },
      ]) {
        expect(isOnCurve(point)).toBe(true);
      }
    }
  });

  test("is false next to points, and of points of the curves with other constants", () => {
    const { x, y } = times(5n).toAffine();
    const others = [
      { x, y: y + 1n },
      { x: x + 1n, y },
      { x: -x, y },
      { x: y, y: x },
      // Of y² = x³ - 7, + 8, + 0 and x³ + 7 = -y².
      { x: 2n, y: 1n },
      { x: 1n, y: 3n },
      { x: 4n, y: 8n },
      { x: -2n, y: 1n },
      { x: 0n, y: 0n },
      { x: 1n, y: 0n },
    ];
    for (const point of others) expect(isOnCurve(point)).toBe(false);
  });
});
