import { secp256k1 } from "@noble/curves/secp256k1.js";

/** secp256k1 (SEC 2 v2, section 2.4.1) of @noble/curves, which does the arithmetic of this package. */
export const Point = secp256k1.Point;

/** n: the order of the group, and so the bound of every r and s. */
export const ORDER: bigint = Point.Fn.ORDER;
