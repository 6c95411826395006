import { LIMBS, multiply, settle, square } from "./limbs.ts";

/**
 * Points of the curve y² = x³ + 7 as three elements of `limbs.ts` in a row of a Float64Array.
 *
 * A *running* point is X, Y, Z with x = X/Z² and y = Y/Z³ (Jacobian coordinates). X has size 1, Y and Z have 2 at most.
 * A *fixed* point is x, y and β·x, all of size 1: a point, and with β·x for x its image under the endomorphism.
 *
 * The formulas (Cohen, Miyaji, Ono: Efficient elliptic curve exponentiation using mixed coordinates, ASIACRYPT 1998) do not
 * hold where equal or opposite points are added. Both give Z ≡ 0, and from then on every step leaves Z ≡ 0: whoever reads
 * the result finds it there. Variable time: for public values only.
 */
export const POINT = 3 * LIMBS;

/** Where the coordinates are. */
export const X = 0;
export const Y = LIMBS;
/** Of a running point. */
export const Z = 2 * LIMBS;
/** β·x of a fixed point. */
export const IMAGE_X = 2 * LIMBS;

const scratch = new Float64Array(6 * LIMBS);
const [A, B, C, D, E, F] = [0, LIMBS, 2 * LIMBS, 3 * LIMBS, 4 * LIMBS, 5 * LIMBS] as const;

/** Doubles a running point. */
export function double(p: Float64Array): void {
  square(scratch, A, p, X);
  square(scratch, B, p, Y);
  for (let k = 0; k < LIMBS; k += 1) {
    const a = scratch[A + k] as number;
    const b = scratch[B + k] as number;
    scratch[A + k] = 3 * a;
    scratch[B + k] = 2 * b;
    scratch[C + k] = 4 * b;
  }
  multiply(scratch, C, p, X, scratch, C); // S = 4·X·Y²
  square(scratch, B, scratch, B); // 4·Y⁴
  multiply(scratch, D, p, Y, p, Z);
  square(scratch, E, scratch, A); // (3·X²)²
  for (let k = 0; k < LIMBS; k += 1) {
    p[X + k] = (scratch[E + k] as number) - 2 * (scratch[C + k] as number);
    p[Z + k] = 2 * (scratch[D + k] as number);
  }
  settle(p, X);
  subtract(scratch, C, scratch, C, p, X);
  multiply(scratch, A, scratch, A, scratch, C); // 3·X²·(S - X')
  for (let k = 0; k < LIMBS; k += 1) p[Y + k] = (scratch[A + k] as number) - 2 * (scratch[B + k] as number);
  settle(p, Y);
}

/** Adds to a running point the fixed one whose x and y are at `qx` and `qy`, or, with a sign of -1, its opposite. */
export function addFixed(p: Float64Array, q: Float64Array, qx: number, qy: number, sign: 1 | -1): void {
  square(scratch, A, p, Z);
  multiply(scratch, B, p, Z, scratch, A);
  multiply(scratch, A, q, qx, scratch, A);
  multiply(scratch, B, q, qy, scratch, B);
  for (let k = 0; k < LIMBS; k += 1) {
    scratch[A + k] = (scratch[A + k] as number) - (p[X + k] as number); // H = x·Z² - X
    scratch[B + k] = sign * (scratch[B + k] as number) - (p[Y + k] as number); // R = ±y·Z³ - Y
  }
  multiply(p, Z, p, Z, scratch, A);
  square(scratch, C, scratch, A);
  multiply(scratch, D, scratch, A, scratch, C); // H³
  multiply(scratch, E, p, X, scratch, C); // V = X·H²
  square(scratch, F, scratch, B);
  for (let k = 0; k < LIMBS; k += 1) {
    p[X + k] = (scratch[F + k] as number) - (scratch[D + k] as number) - 2 * (scratch[E + k] as number);
  }
  settle(p, X);
  subtract(scratch, E, scratch, E, p, X);
  multiply(scratch, E, scratch, B, scratch, E); // R·(V - X')
  multiply(scratch, D, p, Y, scratch, D);
  subtract(p, Y, scratch, E, scratch, D);
}

/** Makes the fixed point at `qx` and `qy`, or its opposite, the running one. */
export function startFrom(p: Float64Array, q: Float64Array, qx: number, qy: number, sign: 1 | -1): void {
  for (let k = 0; k < LIMBS; k += 1) {
    p[X + k] = q[qx + k] as number;
    p[Y + k] = sign * (q[qy + k] as number);
    p[Z + k] = 0;
  }
  p[Z] = 1;
}

function subtract(out: Float64Array, o: number, a: Float64Array, i: number, b: Float64Array, j: number): void {
  for (let k = 0; k < LIMBS; k += 1) out[o + k] = (a[i + k] as number) - (b[j + k] as number);
}
