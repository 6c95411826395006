import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { invert } from "../../src/core/inverse.ts";
import { modulo } from "./reference.ts";
import { ORDER, PRIME } from "./support.ts";

describe.each([
  ["n", ORDER],
  ["p", PRIME],
])("invert modulo %s", (_name, modulus) => {
  const expectInverse = (value: bigint) => {
    const inverse = invert(value, modulus);
    expect(modulo(value * inverse, modulus)).toBe(1n);
    expect(inverse > -modulus && inverse < modulus).toBe(true);
  };

  test("of any number, of either sign, short or long", () => {
    const number = fc.tuple(fc.bigInt({ min: -modulus, max: modulus }), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(number, ([value, shift]) => {
        const shorter = value >> BigInt(shift);
        fc.pre(shorter % modulus !== 0n);
        expectInverse(shorter);
      }),
      { numRuns: 5_000 },
    );
  });

  test("of all numbers next to 0, to the modulus and to powers of two", () => {
    for (let near = 1n; near <= 300n; near += 1n) {
      for (const value of [near, -near, modulus - near, modulus + near, (modulus >> 1n) + near]) expectInverse(value);
    }
    for (let bit = 1n; bit <= 260n; bit += 1n) {
      for (const near of [-2n, -1n, 0n, 1n, 2n]) if (2n ** bit + near > 0n) expectInverse(2n ** bit + near);
    }
  });

  test("of numbers whose quotient is long, so that the leading bits tell no step", () => {
    for (let bit = 1n; bit < 255n; bit += 1n) {
      const value = modulus / (2n ** bit + 1n);
      expectInverse(value);
      expectInverse(modulus - value);
    }
  });

  test.each([0n, modulus, -modulus, 5n * modulus])("of zero is zero", (zero) => {
    expect(modulo(invert(zero, modulus), modulus)).toBe(0n);
  });
});
