import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { invert } from "../../src/core/inverse.ts";
import { modulo } from "./reference.ts";
import { ORDER, PRIME } from "./support.ts";

const MISLEADING: readonly (readonly [value: bigint, modulus: bigint])[] = [
  [0x7bf9c222449020b666d7fa0acaf8902af6c2d674a438dfc5e38cc8e04e233d6fn, ORDER],
  [0xb9b251fe87e3d1cd45f4cb328175d1411993efe0200ea6b4d9b364886bbe4b4dn, ORDER],
  [0x1e0269baf57d86974fa26233ee53c842507bf8bbdc7f1651a4424ce772f12823n, PRIME],
];

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

  // About one random number in 1.7 million is such: what the leading bits tell leaves the smaller number much the greater one.
  test.each(MISLEADING.filter(([, of]) => of === modulus).map(([value]) => [value]))(
    "of %s, whose leading bits mislead",
    (value) => {
      expectInverse(value);
      expectInverse(-value);
    },
  );

  test.each([0n, modulus, -modulus, 5n * modulus])("of zero is zero", (zero) => {
    expect(modulo(invert(zero, modulus), modulus)).toBe(0n);
  });
});

test("modulo any number, where the bits that are not looked at count the most", () => {
  const near = fc
    .tuple(fc.bigInt({ min: 1n, max: 2n ** 25n }), fc.bigInt({ min: 0n, max: 24n }))
    .map(([of, by]) => 1n + (of >> by));
  const steps = fc.array(fc.bigInt({ min: 1n, max: 4n }), { minLength: 25, maxLength: 25 });
  const cut = fc.tuple(fc.bigInt({ min: 60n, max: 200n }), fc.bigInt({ min: 0n }), fc.boolean());
  let tried = 0;
  fc.assert(
    fc.property(near, near, steps, cut, (first, second, quotients, [bits, low, lower]) => {
      // Two remainders just above half of the 51 leading bits, and from them back to where Euclid's algorithm began.
      let [u, v] = [2n ** 26n + first + second, 2n ** 26n + first];
      for (const quotient of [...quotients, 2n ** 26n]) {
        const most = (2n ** 51n - 1n - v) / u;
        if (most > 0n) [u, v] = [(quotient < most ? quotient : most) * u + v, u];
      }
      const rests = [2n ** bits - 1n - (low % 2n ** (bits - 30n)), low % 2n ** (bits - 30n)] as const;
      const modulus = (u << bits) + (lower ? rests[0] : rests[1]);
      const value = (v << bits) + (lower ? rests[1] : rests[0]);
      fc.pre(greatestCommonDivisor(modulus, value) === 1n);
      tried += 1;
      expect(modulo(value * invert(value, modulus), modulus)).toBe(1n);
    }),
    { numRuns: 10_000 },
  );
  expect(tried).toBeGreaterThan(2_000);
});

function greatestCommonDivisor(a: bigint, b: bigint): bigint {
  return b === 0n ? a : greatestCommonDivisor(b, a % b);
}
