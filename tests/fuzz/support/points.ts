import { secp256k1 } from "@noble/curves/secp256k1.js";

/** A few points of the curve, with even and odd y, and the one whose x has a leading zero byte: 153·G. */
export function points() {
  return [1n, 2n, 3n, 153n].map((scalar) => secp256k1.Point.BASE.multiply(scalar));
}
