import { secp256k1 } from "@noble/curves/secp256k1.js";
import fc from "fast-check";
import type { AffinePoint } from "../../src/core/curve.ts";
import { type OddMultiples, oddMultiples } from "../../src/core/odd-multiples.ts";
import { ORDER, scalar } from "./support.ts";

/** @noble/curves' points: what every sum here is compared with. */
export const { Point } = secp256k1;

/** The root of λ² + λ + 1 modulo n by which β multiplies points. */
export const LAMBDA = 0x5363ad4cc05c30e0a5261c028812645a122e22ea20816678df02967c1b23bd72n;

export const modulo = (value: bigint, modulus: bigint) => ((value % modulus) + modulus) % modulus;

export const times = (factor: bigint) => Point.BASE.multiplyUnsafe(modulo(factor, ORDER));

/** All odd multiples of a point, without a pause. */
export function table(point: AffinePoint, width: number): OddMultiples {
  const steps = oddMultiples(point, width);
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

const half = () =>
  fc.oneof(
    fc.bigInt({ min: -(2n ** 127n), max: 2n ** 127n }),
    fc.bigInt({ min: -40n, max: 40n }),
    // Next to a power of two: carries run through all digits.
    fc
      .tuple(fc.integer({ min: 0, max: 127 }), fc.bigInt({ min: -2n, max: 2n }))
      .map(([bit, near]) => (1n << BigInt(bit)) + near),
    // The same digit over and over, the greatest and the least of every width among them.
    fc
      .tuple(fc.integer({ min: 1, max: 12 }), fc.bigInt({ min: 1n, max: 4095n }), fc.boolean())
      .map(([width, digit, negative]) => {
        let value = 0n;
        for (let bit = 0; bit < 126; bit += width) value |= (digit & ((1n << BigInt(width)) - 1n)) << BigInt(bit);
        value &= (1n << 126n) - 1n;
        return negative ? -value : value;
      }),
  );

/** 0..n-1: any, the ends, and those that the endomorphism splits into halves with a pattern. */
export const anyScalar = (): fc.Arbitrary<bigint> =>
  fc.oneof(
    scalar(),
    fc.constantFrom(
      0n,
      1n,
      2n,
      ORDER - 1n,
      ORDER - 2n,
      LAMBDA,
      ORDER - LAMBDA,
      LAMBDA + 1n,
      ORDER >> 1n,
      (ORDER >> 1n) + 1n,
    ),
    fc.tuple(half(), half()).map(([a, b]) => modulo(a + b * LAMBDA, ORDER)),
  );
