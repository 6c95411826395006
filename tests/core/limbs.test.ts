import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { readElement, writeElement } from "../../src/core/limb-values.ts";
import { LIMBS, multiply, settle, square } from "../../src/core/limbs.ts";
import { modulo } from "./reference.ts";
import { PRIME } from "./support.ts";

// What the docstring promises of size 1, and the product of sizes that `multiply` takes.
const LOW = 2 ** 23 + 2 ** 6;
const HIGH = 2 ** 15 + 2 ** 6;
const PRODUCT = 12;

const bound = (limb: number) => (limb === LIMBS - 1 ? HIGH : LOW);

/** The value of limbs, without the code under test. */
const total = (limbs: ArrayLike<number>) =>
  modulo(
    Array.from(limbs).reduce((sum, limb, index) => sum + (BigInt(limb) << BigInt(24 * index)), 0n),
    PRIME,
  );

/** Limbs within the bound of a size, often at it. */
const element = (size: number) =>
  fc.tuple(
    ...Array.from({ length: LIMBS }, (_, limb) => {
      const most = Math.floor(size * bound(limb));
      return fc.oneof(fc.constantFrom(most, -most, most - 1, 0, 1), fc.integer({ min: -most, max: most }));
    }),
  );

const sizes = fc.constantFrom([1, 1], [1, PRODUCT], [PRODUCT, 1], [2, 6], [3, 4], [3, 3], [4, 3]);
const factors = sizes.chain(([a, b]) => fc.tuple(element(a as number), element(b as number)));

const sizeOne = (limbs: Float64Array) => limbs.every((limb, index) => Math.abs(limb) <= bound(index % LIMBS));

describe("limbs", () => {
  test("multiply, also in place, exactly and to size 1", () => {
    fc.assert(
      fc.property(factors, ([a, b]) => {
        const expected = modulo(total(a) * total(b), PRIME);
        const out = new Float64Array(LIMBS);
        multiply(out, 0, Float64Array.from(a), 0, Float64Array.from(b), 0);
        expect(total(out)).toBe(expected);
        expect(sizeOne(out)).toBe(true);
        const both = Float64Array.from([...a, ...b]);
        multiply(both, LIMBS, both, 0, both, LIMBS);
        expect(both).toEqual(Float64Array.from([...a, ...out]));
        multiply(both, LIMBS, Float64Array.from(b), 0, both, 0);
        expect(total(both.subarray(LIMBS))).toBe(expected);
      }),
      { numRuns: 5_000 },
    );
  });

  test("square as they multiply", () => {
    fc.assert(
      fc.property(fc.constantFrom(1, 2, 3, Math.sqrt(PRODUCT)).chain(element), (a) => {
        const limbs = Float64Array.from(a);
        square(limbs, 0, limbs, 0);
        expect(total(limbs)).toBe(modulo(total(a) ** 2n, PRIME));
        expect(sizeOne(limbs)).toBe(true);
      }),
      { numRuns: 3_000 },
    );
  });

  test("multiply at the very bounds: all limbs at their most, in every combination of two signs", () => {
    const most = (size: number, sign: (limb: number) => number) =>
      Float64Array.from({ length: LIMBS }, (_, limb) => sign(limb) * Math.floor(size * bound(limb)));
    const signs = [() => 1, () => -1, (limb: number) => (limb % 2 ? 1 : -1), (limb: number) => (limb < 6 ? 1 : -1)];
    for (const size of [1, 2, 3, 4, 6, 12]) {
      for (const first of signs) {
        for (const second of signs) {
          const [a, b] = [most(size, first), most(PRODUCT / size, second)];
          const out = new Float64Array(LIMBS);
          multiply(out, 0, a, 0, b, 0);
          expect(total(out)).toBe(modulo(total(a) * total(b), PRIME));
          expect(sizeOne(out)).toBe(true);
        }
      }
    }
  });

  test("settle to size 1", () => {
    fc.assert(
      fc.property(fc.constantFrom(1, 5, 16, 2 ** 20).chain(element), (a) => {
        const limbs = Float64Array.from(a);
        settle(limbs, 0);
        expect(total(limbs)).toBe(total(a));
        expect(sizeOne(limbs)).toBe(true);
      }),
      { numRuns: 3_000 },
    );
  });

  test("are written and read", () => {
    const values = fc.oneof(
      fc.bigInt({ min: -(2n ** 300n), max: 2n ** 300n }),
      fc.constantFrom(0n, 1n, -1n, PRIME, PRIME - 1n, PRIME + 1n, -PRIME, 2n ** 256n - 1n, 2n ** 24n, 2n ** 255n),
    );
    fc.assert(
      fc.property(values, element(16), (value, grown) => {
        const limbs = new Float64Array(3 * LIMBS);
        writeElement(limbs, LIMBS, value);
        expect(sizeOne(limbs)).toBe(true);
        expect(total(limbs.subarray(LIMBS, 2 * LIMBS))).toBe(modulo(value, PRIME));
        expect(readElement(limbs, LIMBS)).toBe(modulo(value, PRIME));
        expect(limbs.subarray(0, LIMBS)).toEqual(new Float64Array(LIMBS));
        expect(limbs.subarray(2 * LIMBS)).toEqual(new Float64Array(LIMBS));
        expect(readElement(Float64Array.from(grown), 0)).toBe(total(grown));
      }),
      { numRuns: 3_000 },
    );
  });
});
