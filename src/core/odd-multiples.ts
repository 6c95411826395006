import { type AffinePoint, PRIME } from "./curve.ts";
import { BETA } from "./endomorphism.ts";
import { invert } from "./inverse.ts";
import { addFixed, double, IMAGE_X, POINT, startFrom, X, Y, Z } from "./limb-point.ts";
import { readElement, writeElement } from "./limb-values.ts";
import { LIMBS, multiply, square } from "./limbs.ts";
import { DIGITS } from "./signed-digits.ts";

/** A scalar's digits are cut into so many parts that share their doublings; each has multiples of its own. */
export const PARTS = 4;
export const PART_DIGITS = DIGITS / PARTS;

/**
 * The odd multiples of a point P and of 2^33·P, 2^66·P and 2^99·P: of each the 1-, 3-, … (2^(width-1) - 1)-fold, which are
 * the values of signed digits of `width` bits. 2^width fixed points of 264 bytes: 17 kB at width 6.
 */
export class OddMultiples {
  readonly width: number;
  /** Fixed points: those of a part together, in the order of the multiples. */
  readonly points: Float64Array;

  constructor(width: number, points: Float64Array) {
    this.width = width;
    this.points = points;
  }

  /** Where the fixed point of a positive `digit` in a part begins. */
  at(part: number, digit: number): number {
    return ((part << (this.width - 2)) + (digit >> 1)) * POINT;
  }
}

// So many points at a time share an inversion; and so many steps are between two pauses.
const BATCH = 64;
const STEPS_PER_PAUSE = 8;

/** Computes the multiples of a point. It pauses often: run it to its end, or a little at a time. */
export function* oddMultiples(point: AffinePoint, width: number): Generator<void, OddMultiples> {
  const perPart = 2 ** (width - 2);
  const points = new Float64Array(PARTS * perPart * POINT);
  // The four points, and their doubles.
  const first = yield* firstPoints(point);
  const sums: Float64Array[] = [];
  for (let part = 0; part < PARTS; part += 1) {
    points.set(first.subarray(part * POINT, (part + 1) * POINT), part * perPart * POINT);
    const sum = new Float64Array(POINT);
    startFrom(sum, first, part * POINT + X, part * POINT + Y, 1);
    sums.push(sum);
  }
  const batch = Math.min(BATCH / PARTS, perPart - 1);
  for (let index = 1; index < perPart; index += batch) {
    const count = Math.min(batch, perPart - index);
    const running = new Float64Array(PARTS * count * POINT);
    for (const [part, sum] of sums.entries()) {
      const twice = (PARTS + part) * POINT;
      for (let step = 0; step < count; step += 1) {
        addFixed(sum, first, twice + X, twice + Y, 1);
        running.set(sum, (part * count + step) * POINT);
        if (step % STEPS_PER_PAUSE === 0) yield;
      }
    }
    yield* fix(running);
    for (let part = 0; part < PARTS; part += 1) {
      const made = running.subarray(part * count * POINT, (part + 1) * count * POINT);
      points.set(made, (part * perPart + index) * POINT);
    }
  }
  return new OddMultiples(width, points);
}

/** Fixed points: the 2^(33·part)-folds, and then the double of each. */
function* firstPoints({ x, y }: AffinePoint): Generator<void, Float64Array> {
  const points = new Float64Array(2 * PARTS * POINT);
  const power = new Float64Array(POINT);
  writeElement(power, X, x);
  writeElement(power, Y, y);
  writeElement(power, Z, 1n);
  for (let exponent = 0; exponent <= (PARTS - 1) * PART_DIGITS; exponent += 1) {
    const part = exponent / PART_DIGITS;
    if (Number.isInteger(part)) points.set(power, part * POINT);
    double(power);
    if (Number.isInteger(part)) points.set(power, (PARTS + part) * POINT);
    if (exponent % STEPS_PER_PAUSE === 0) yield;
  }
  yield* fix(points);
  return points;
}

const beta = new Float64Array(LIMBS);
writeElement(beta, 0, BETA);

/** Turns running points, none of them infinite, into fixed ones, with one inversion for all (Montgomery's trick). */
function* fix(points: Float64Array): Generator<void, void> {
  const count = points.length / POINT;
  const products = new Float64Array((count + 1) * LIMBS);
  products[0] = 1;
  for (let index = 0; index < count; index += 1) {
    multiply(products, (index + 1) * LIMBS, products, index * LIMBS, points, index * POINT + Z);
  }
  yield;
  const [rest, inverse, power] = [0, LIMBS, 2 * LIMBS];
  const scratch = new Float64Array(3 * LIMBS);
  writeElement(scratch, rest, invert(readElement(products, count * LIMBS), PRIME));
  for (let index = count - 1; index >= 0; index -= 1) {
    const at = index * POINT;
    multiply(scratch, inverse, scratch, rest, products, index * LIMBS);
    multiply(scratch, rest, scratch, rest, points, at + Z);
    square(scratch, power, scratch, inverse);
    multiply(points, at + X, points, at + X, scratch, power);
    multiply(scratch, power, scratch, power, scratch, inverse);
    multiply(points, at + Y, points, at + Y, scratch, power);
    multiply(points, at + IMAGE_X, points, at + X, beta, 0);
    if (index % STEPS_PER_PAUSE === 0) yield;
  }
}
