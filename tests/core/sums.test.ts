import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { AffinePoint } from "../../src/core/curve.ts";
import { plainSum } from "../../src/core/plain-sum.ts";
import { tabledSum } from "../../src/core/tabled-sum.ts";
import { anyScalar, LAMBDA, modulo, Point, table, times } from "./reference.ts";
import { ORDER } from "./support.ts";

// How many random sums are compared with those of @noble/curves, by each of the two ways. A few thousand take seconds;
// ETHERS_HSM_SUMS=100000 takes some minutes, and ETHERS_HSM_SEED makes other ones.
const SUMS = Number(process.env["ETHERS_HSM_SUMS"] ?? 2_000);
const SEED = Number(process.env["ETHERS_HSM_SEED"] ?? 1);
const SUMS_PER_KEY = 5;

type Reference = ReturnType<typeof times>;

const generator = Point.BASE.toAffine();
const generatorTable = table(generator, 10);

/** u1·G + u2·Q of a given Q. */
type Sum = (u1: bigint, u2: bigint) => AffinePoint | undefined;

const ways: readonly (readonly [string, (q: AffinePoint) => Sum])[] = [
  ["plainSum", (q) => (u1, u2) => plainSum(u1, generator, u2, q)],
  [
    "tabledSum",
    (q) => {
      const qTable = table(q, 6);
      return (u1, u2) => tabledSum(u1, generatorTable, u2, qTable);
    },
  ],
];

const reference = (u1: bigint, q: Reference, u2: bigint): AffinePoint | undefined => {
  const sum = Point.BASE.mulAddUnsafe(u1, q, u2);
  return sum.is0() ? undefined : sum.toAffine();
};

test(
  `${SUMS} sums are those of @noble/curves`,
  () => {
    const scalars = fc.array(fc.tuple(anyScalar(), anyScalar()), { minLength: SUMS_PER_KEY, maxLength: SUMS_PER_KEY });
    let compared = 0;
    let undecided = 0;
    fc.assert(
      fc.property(anyScalar(), scalars, (key, pairs) => {
        fc.pre(key !== 0n);
        const q = times(key);
        const sums = ways.map(([, of]) => of(q.toAffine()));
        for (const [u1, u2] of pairs) {
          const expected = reference(u1, q, u2);
          for (const sum of sums) {
            const actual = sum(u1, u2);
            // Undefined leaves it to @noble/curves; the keys and scalars of a few bits meet equal points often.
            if (actual) expect(actual).toEqual(expected);
            else undecided += 1;
          }
          compared += 1;
        }
      }),
      { numRuns: Math.ceil(SUMS / SUMS_PER_KEY), seed: SEED },
    );
    expect(compared).toBeGreaterThanOrEqual(SUMS);
    expect(undecided / compared).toBeLessThan(0.5);
  },
  30_000 + 20 * SUMS,
);

describe.each(ways)("%s", (_name, of) => {
  const q = times(0xc0ffee_c0ffee_c0ffeen ** 4n);
  const sum = of(q.toAffine());

  test("decides every sum of large numbers", () => {
    const large = fc.bigInt({ min: 2n ** 200n, max: ORDER - 2n ** 200n });
    fc.assert(
      fc.property(large, large, (u1, u2) => {
        expect(sum(u1, u2)).toEqual(reference(u1, q, u2));
      }),
      { numRuns: 300 },
    );
  });

  test.each([
    ["1", 1n],
    ["2", 2n],
    ["n - 1", ORDER - 1n],
    ["λ, whose halves are 0 and 1", LAMBDA],
    ["-λ", ORDER - LAMBDA],
    ["λ + 1, which is -λ²", LAMBDA + 1n],
    ["2^128", 2n ** 128n],
    ["n/2, rounded down", ORDER >> 1n],
    ["n/2, rounded up", (ORDER >> 1n) + 1n],
    ["all digits the greatest of width 6", modulo(0x7df7df7df7df7df7df7df7df7df7dfn * (1n + LAMBDA), ORDER)],
    ["the same, negative", modulo(-0x7df7df7df7df7df7df7df7df7df7dfn * (1n + LAMBDA), ORDER)],
  ])("of 0 and %s, of the same and 0, and of the same twice", (_what, u) => {
    expect(sum(0n, u)).toEqual(reference(0n, q, u));
    expect(sum(u, 0n)).toEqual(reference(u, q, 0n));
    expect(sum(u, u)).toEqual(reference(u, q, u));
  });

  test("of 0 and 0 is no point", () => {
    expect(sum(0n, 0n)).toBeUndefined();
  });

  test.each<[string, bigint]>([
    ["G", 1n],
    ["-G", -1n],
    ["2·G", 2n],
    ["3·G", 3n],
    ["-5·G", -5n],
    ["λ·G", LAMBDA],
    ["-λ·G", -LAMBDA],
    ["2^33·G, which is in the generator's table", 2n ** 33n],
    ["a point that nobody would expect", 0xdecaf_c0ffeen ** 5n],
  ])("is never wrong where u1·G and u2·Q are equal or opposite, of the key %s", (_name, key) => {
    const point = times(key);
    const sumWith = of(point.toAffine());
    const scalars = [
      1n,
      2n,
      3n,
      7n,
      31n,
      32n,
      12345n,
      LAMBDA,
      2n ** 33n,
      2n ** 127n,
      ORDER - 1n,
      ORDER - LAMBDA,
      2n ** 255n,
    ];
    for (const u2 of scalars.map((scalar) => scalar % ORDER)) {
      const equal = modulo(u2 * key, ORDER);
      // Infinity: it must say nothing.
      expect(sumWith(ORDER - equal, u2)).toBeUndefined();
      for (const u1 of [equal, modulo(equal + 1n, ORDER), modulo(1n - equal, ORDER), modulo(-1n - equal, ORDER)]) {
        const actual = sumWith(u1, u2);
        if (actual) expect(actual).toEqual(reference(u1, point, u2));
      }
    }
  });
});
