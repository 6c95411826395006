import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { BETA, splitScalar } from "../../src/core/endomorphism.ts";
import { DIGITS, signedDigits } from "../../src/core/signed-digits.ts";
import { anyScalar, LAMBDA, modulo, Point, times } from "./reference.ts";
import { ORDER, PRIME } from "./support.ts";

const magnitude = (value: bigint) => (value < 0n ? -value : value);

describe("the endomorphism", () => {
  test("β and λ are third roots of 1 that belong together", () => {
    expect(BETA ** 3n % PRIME).toBe(1n);
    expect(LAMBDA ** 3n % ORDER).toBe(1n);
    expect(LAMBDA).not.toBe(1n);
    for (const factor of [1n, 2n, 3n, 0xc0ffeen, ORDER - 1n]) {
      const { x, y } = times(factor);
      expect(Point.fromAffine({ x: (x * BETA) % PRIME, y }).equals(times(factor * LAMBDA))).toBe(true);
    }
  });
});

describe("splitScalar", () => {
  const expectSplit = (scalar: bigint) => {
    const [a, b] = splitScalar(scalar);
    expect(modulo(a + b * LAMBDA, ORDER)).toBe(scalar);
    // The bounds that the docstring derives: 0.64 and 0.55 times 2^128.
    expect(magnitude(a) * 100n).toBeLessThan(64n * 2n ** 128n);
    expect(magnitude(b) * 100n).toBeLessThan(55n * 2n ** 128n);
  };

  test("gives two short halves of any scalar", () => {
    fc.assert(fc.property(anyScalar(), expectSplit), { numRuns: 5_000 });
  });

  test("gives short halves where the rounding is closest: half-way between two vectors of the lattice", () => {
    // c1 = A·k/n and c2 = B·k/n are next to a half where k is next to (2m + 1)·n / 2A or (2m + 1)·n / 2B.
    const basis = [0x3086d221a7d46bcde86c90e49284eb15n, 0xe4437ed6010e88286f547fa90abfe4c3n];
    for (const vector of basis) {
      for (let step = 0n; step < 400n; step += 1n) {
        const odd = 2n * ((step * vector) / 400n) + 1n;
        const middle = (odd * ORDER) / (2n * vector);
        for (const near of [-1n, 0n, 1n, 2n]) expectSplit(modulo(middle + near, ORDER));
      }
    }
  });
});

describe("signedDigits", () => {
  const number = fc.oneof(
    fc.bigInt({ min: -(2n ** 128n) + 1n, max: 2n ** 128n - 1n }),
    anyScalar().map((scalar) => splitScalar(scalar)[0]),
    anyScalar().map((scalar) => splitScalar(scalar)[1]),
    fc.constantFrom(0n, 1n, -1n, 2n ** 128n - 1n, 1n - 2n ** 128n, 2n ** 127n, -(2n ** 127n)),
  );

  test("are odd or zero, short, far apart, and make the number", () => {
    fc.assert(
      fc.property(number, fc.integer({ min: 2, max: 15 }), (value, width) => {
        const digits = [...signedDigits(value, width)];
        expect(digits).toHaveLength(DIGITS);
        expect(digits.reduce((sum, digit, bit) => sum + (BigInt(digit) << BigInt(bit)), 0n)).toBe(value);
        let last = -width;
        for (const [bit, digit] of digits.entries()) {
          if (digit === 0) continue;
          expect(Math.abs(digit) % 2).toBe(1);
          expect(Math.abs(digit)).toBeLessThan(2 ** (width - 1));
          expect(bit - last).toBeGreaterThanOrEqual(width);
          last = bit;
        }
      }),
      { numRuns: 3_000 },
    );
  });
});
