// secp256k1: SEC 2 v2, section 2.4.1.

/** p: the order of the field that coordinates are in. */
export const PRIME = 0xfffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2fn;

/** n: the order of the group, and so the bound of every r and s. */
export const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

/** A point other than infinity. A coordinate is between -p and p, of either sign, as `%` leaves it. */
export interface AffinePoint {
  readonly x: bigint;
  readonly y: bigint;
}

/** G, which every point of the curve is a multiple of. */
export const GENERATOR: AffinePoint = {
  x: 0x79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798n,
  y: 0x483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8n,
};

/** Whether y² = x³ + 7 modulo p. */
export function isOnCurve({ x, y }: AffinePoint): boolean {
  return (x * x * x + 7n - y * y) % PRIME === 0n;
}
