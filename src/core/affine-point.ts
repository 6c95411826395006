import { type AffinePoint, PRIME } from "./curve.ts";
import { invert } from "./inverse.ts";

/**
 * A point in Jacobian coordinates: x = X/Z² and y = Y/Z³, modulo p, of either sign.
 *
 * As in `limb-point.ts`, adding equal or opposite points gives Z ≡ 0, which every further step keeps. Variable time: for
 * public values only.
 */
export interface JacobianPoint {
  readonly x: bigint;
  readonly y: bigint;
  readonly z: bigint;
}

export function doubled({ x, y, z }: JacobianPoint): JacobianPoint {
  const yy = (y * y) % PRIME;
  const s = (4n * x * yy) % PRIME;
  const slope = (3n * x * x) % PRIME;
  const nextX = (slope * slope - 2n * s) % PRIME;
  return { x: nextX, y: (slope * (s - nextX) - 8n * yy * yy) % PRIME, z: (2n * y * z) % PRIME };
}

export function sumOf({ x, y, z }: JacobianPoint, q: AffinePoint): JacobianPoint {
  const zz = (z * z) % PRIME;
  const h = (q.x * zz - x) % PRIME;
  const r = (q.y * ((zz * z) % PRIME) - y) % PRIME;
  const hh = (h * h) % PRIME;
  const hhh = (hh * h) % PRIME;
  const v = (x * hh) % PRIME;
  const nextX = (r * r - hhh - 2n * v) % PRIME;
  return { x: nextX, y: (r * (v - nextX) - y * hhh) % PRIME, z: (z * h) % PRIME };
}

/** The coordinates in 0..p-1; undefined where Z is 0. */
export function toAffine(point: JacobianPoint): AffinePoint | undefined {
  return allToAffine([point])?.[0];
}

/** The coordinates in 0..p-1, with one inversion for all (Montgomery's trick); undefined where any Z is 0. */
export function allToAffine(points: readonly JacobianPoint[]): readonly AffinePoint[] | undefined {
  const before: bigint[] = [];
  let product = 1n;
  for (const { z } of points) {
    before.push(product);
    product = (product * z) % PRIME;
  }
  let rest = invert(product, PRIME);
  if (rest === 0n) return undefined;
  const affine: AffinePoint[] = [];
  for (let index = points.length - 1; index >= 0; index -= 1) {
    const { x, y, z } = points[index] as JacobianPoint;
    const inverse = (rest * (before[index] as bigint)) % PRIME;
    rest = (rest * z) % PRIME;
    const square = (inverse * inverse) % PRIME;
    affine[index] = { x: modulo(x * square), y: modulo(y * ((square * inverse) % PRIME)) };
  }
  return affine;
}

function modulo(value: bigint): bigint {
  const rest = value % PRIME;
  return rest < 0n ? rest + PRIME : rest;
}
