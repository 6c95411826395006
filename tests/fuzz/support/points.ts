import { secp256k1 } from "@noble/curves/secp256k1.js";
import { getBytes, hexlify } from "ethers";

/** A few points of the curve, with even and odd y, and the one whose x has a leading zero byte: 153·G. */
export function points() {
  return [1n, 2n, 3n, 153n].map((scalar) => secp256k1.Point.BASE.multiply(scalar));
}

/** What a CKA_EC_POINT must mean by another reading: an OCTET STRING exactly around a point, or else the point itself. */
export function meantByEcPoint(input: Uint8Array): Uint8Array {
  const text = hexlify(input);
  const inner = /^0x04(?:41((?:..){65})|21((?:..){33}))$/.exec(text);
  return getBytes(`0x${inner?.[1] ?? inner?.[2] ?? text.slice(2)}`);
}
