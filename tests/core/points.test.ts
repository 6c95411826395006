import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { allToAffine, doubled, sumOf, toAffine } from "../../src/core/affine-point.ts";
import type { AffinePoint } from "../../src/core/curve.ts";
import { invert } from "../../src/core/inverse.ts";
import { addFixed, double, IMAGE_X, POINT, startFrom, X, Y, Z } from "../../src/core/limb-point.ts";
import { readElement, writeElement } from "../../src/core/limb-values.ts";
import { oddMultiples, PARTS } from "../../src/core/odd-multiples.ts";
import { LAMBDA, modulo, Point, table, times } from "./reference.ts";
import { ORDER, PRIME, scalar } from "./support.ts";

type Reference = ReturnType<typeof times>;

const coordinate = () => fc.bigInt({ min: 1n, max: PRIME - 1n });

/** A point as (X, Y, Z) with a chosen Z. */
const jacobian = (point: Reference, z: bigint) => {
  const { x, y } = point.toAffine();
  return { x: (x * z ** 2n) % PRIME, y: (y * z ** 3n) % PRIME, z };
};

const running = (point: Reference, z: bigint): Float64Array => {
  const at = jacobian(point, z);
  const limbs = new Float64Array(POINT);
  writeElement(limbs, X, at.x);
  writeElement(limbs, Y, at.y);
  writeElement(limbs, Z, at.z);
  return limbs;
};

const fixed = (point: Reference): Float64Array => running(point, 1n);

const fromRunning = (limbs: Float64Array): AffinePoint => {
  const inverse = invert(readElement(limbs, Z), PRIME);
  return {
    x: modulo(readElement(limbs, X) * inverse ** 2n, PRIME),
    y: modulo(readElement(limbs, Y) * inverse ** 3n, PRIME),
  };
};

const sign = () => fc.constantFrom<1 | -1>(1, -1);

describe("points in limbs", () => {
  test("double and add as @noble/curves does, many times over", () => {
    const steps = fc.array(fc.oneof(fc.constant(0 as const), sign()), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(scalar(), scalar(), coordinate(), steps, (k, l, z, signs) => {
        const q = times(l);
        let expected = times(k);
        const limbs = running(expected, z);
        for (const step of signs) {
          if (step === 0) {
            double(limbs);
            expected = expected.double();
          } else {
            const addend = step === 1 ? q : q.negate();
            fc.pre(!expected.equals(addend) && !expected.equals(addend.negate()));
            addFixed(limbs, fixed(q), X, Y, step);
            expected = expected.add(addend);
          }
        }
        expect(fromRunning(limbs)).toEqual(expected.toAffine());
      }),
      { numRuns: 300 },
    );
  });

  test("a start is the point, or its opposite", () => {
    const q = times(77n);
    for (const [sign, expected] of [
      [1, q],
      [-1, q.negate()],
    ] as const) {
      const limbs = running(times(5n), 9n);
      startFrom(limbs, fixed(q), X, Y, sign);
      expect(fromRunning(limbs)).toEqual(expected.toAffine());
    }
  });

  test("equal and opposite points give Z = 0, which stays", () => {
    fc.assert(
      fc.property(scalar(), coordinate(), sign(), (k, z, sign) => {
        const limbs = running(times(k), z);
        addFixed(limbs, fixed(times(k)), X, Y, sign);
        expect(readElement(limbs, Z)).toBe(0n);
        double(limbs);
        addFixed(limbs, fixed(times(3n)), X, Y, 1);
        double(limbs);
        expect(readElement(limbs, Z)).toBe(0n);
      }),
      { numRuns: 100 },
    );
  });
});

describe("points in BigInt", () => {
  test("double and add as @noble/curves does", () => {
    fc.assert(
      fc.property(scalar(), scalar(), coordinate(), (k, l, z) => {
        fc.pre(k !== l && k + l !== ORDER);
        const p = times(k);
        const q = times(l);
        expect(toAffine(doubled(jacobian(p, z)))).toEqual(p.double().toAffine());
        expect(toAffine(sumOf(jacobian(p, z), q.toAffine()))).toEqual(p.add(q).toAffine());
        const { x, y } = q.toAffine();
        expect(toAffine(sumOf(jacobian(p, z), { x: x - PRIME, y: -y }))).toEqual(p.subtract(q).toAffine());
      }),
      { numRuns: 300 },
    );
  });

  test("become affine together, each by its own Z", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(scalar(), coordinate()), { maxLength: 6 }), (points) => {
        const affine = allToAffine(points.map(([k, z]) => jacobian(times(k), z)));
        expect(affine).toEqual(points.map(([k]) => times(k).toAffine()));
      }),
    );
    const [p, q] = [jacobian(times(5n), 7n), jacobian(times(6n), 8n)];
    for (const points of [
      [{ ...p, z: 0n }, q],
      [p, { ...q, z: 0n }],
      [p, { ...q, z: PRIME }],
    ]) {
      expect(allToAffine(points)).toBeUndefined();
    }
  });

  test("equal and opposite points give no point, whatever follows", () => {
    const p = times(1234n);
    for (const q of [p, p.negate()]) {
      const sum = sumOf(jacobian(p, 7n), q.toAffine());
      expect(toAffine(sum)).toBeUndefined();
      expect(toAffine(sumOf(doubled(sum), times(3n).toAffine()))).toBeUndefined();
    }
  });
});

describe("odd multiples", () => {
  test.each([2, 3, 4, 6, 8, 10])("of width %d are all right", (width) => {
    const point = times(0xc0ffee_cafen * BigInt(width));
    const multiples = table(point.toAffine(), width);
    expect(multiples.points).toHaveLength(PARTS * 2 ** (width - 2) * POINT);
    // At width 10 every seventh: the reference takes its time.
    for (let part = 0; part < PARTS; part += 1) {
      for (let digit = 1; digit < 2 ** (width - 1); digit += width === 10 ? 14 : 2) {
        const at = multiples.at(part, digit);
        const factor = BigInt(digit) << BigInt(33 * part);
        const expected = point.multiplyUnsafe(factor % ORDER).toAffine();
        expect({ x: readElement(multiples.points, at + X), y: readElement(multiples.points, at + Y) }).toEqual(
          expected,
        );
        const image = point.multiplyUnsafe((factor * LAMBDA) % ORDER).toAffine();
        expect(readElement(multiples.points, at + IMAGE_X)).toBe(image.x);
        expect(image.y).toBe(expected.y);
      }
    }
  });

  test.each([
    // 100 doublings, and eight fixed points.
    [2, 108],
    // 4 · 255 additions and as many fixed points besides.
    [10, 108 + 2 * 4 * 255],
  ])(
    "of width %d are made with a pause about every eight steps, so that nobody waits for a large table",
    (width, all) => {
      const steps = oddMultiples(Point.BASE.toAffine(), width);
      let pauses = 0;
      while (!steps.next().done) pauses += 1;
      expect(pauses).toBeGreaterThanOrEqual(Math.floor(all / 8));
      expect(pauses).toBeLessThan(all / 4);
    },
  );
});
