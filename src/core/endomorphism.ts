import { ORDER } from "./curve.ts";

/**
 * β, a third root of 1 modulo p: (x, y) → (β·x, y) multiplies every point of the curve by λ, the third root of 1 modulo n
 * that goes with it (Gallant, Lambert, Vanstone: Faster point multiplication on elliptic curves with efficient endomorphisms,
 * CRYPTO 2001).
 */
export const BETA = 0x7ae96a2b657c07106e64479eac3434e99cf0497512f58995c1396c28719501een;

// A short basis of the lattice of all (a, b) with a + b·λ ≡ 0 modulo n: (A, -B) and (C, A).
const A = 0x3086d221a7d46bcde86c90e49284eb15n;
const B = 0xe4437ed6010e88286f547fa90abfe4c3n;
const C = 0x114ca50f7a8e2f3f657c1108d9d44cfd8n;

// A/n and B/n, scaled so that rounding them moves a quotient by less than 2^-127.
const SCALE = 384n;
const A_OVER_ORDER = ((A << SCALE) + ORDER / 2n) / ORDER;
const B_OVER_ORDER = ((B << SCALE) + ORDER / 2n) / ORDER;

/**
 * [a, b] with a + b·λ ≡ scalar modulo n, where |a| and |b| are below 2^128: half the doublings for two scalars.
 *
 * (scalar, 0) less the vector of the lattice next to it, by Babai's rounding. What is left is half of each basis vector
 * at most: |a| ≤ (A + C)/2 < 0.64 · 2^128 and |b| ≤ (A + B)/2 < 0.55 · 2^128, up to the rounding of the scaled constants.
 *
 * @param scalar 0..n-1.
 */
export function splitScalar(scalar: bigint): readonly [bigint, bigint] {
  const first = scaledProduct(scalar, A_OVER_ORDER);
  const second = scaledProduct(scalar, B_OVER_ORDER);
  return [scalar - first * A - second * C, first * B - second * A];
}

function scaledProduct(scalar: bigint, factor: bigint): bigint {
  return (scalar * factor + (1n << (SCALE - 1n))) >> SCALE;
}
