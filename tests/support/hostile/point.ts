import { secp256k1 } from "@noble/curves/secp256k1.js";

/** Points of the curve, for making responses that are wrong in one respect only. */
export const Point = secp256k1.Point;

/** n. */
export const ORDER = Point.Fn.ORDER;
