import { secp256k1 } from "@noble/curves/secp256k1.js";

/** secp256k1 (SEC 2 v2, section 2.4.1) of @noble/curves, which decodes points and has the last word on sums. */
export const Point = secp256k1.Point;

/** n: the order of the group, and so the bound of every r and s. */
export const ORDER: bigint = Point.Fn.ORDER;

/** p: the order of the field that coordinates are in. */
export const PRIME: bigint = Point.Fp.ORDER;
