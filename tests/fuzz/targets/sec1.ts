import { strictEqual, throws } from "node:assert";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { hexlify } from "ethers";
import { isSignerError } from "../../../src/core/errors.ts";
import { publicKeyFromSec1 } from "../../../src/core/public-key.ts";
import { points } from "../support/points.ts";
import type { FuzzTarget } from "../target.ts";

const { Point } = secp256k1;

/** A SEC1 point: accepted exactly where @noble/curves accepts it, and the same point. */
export const target: FuzzTarget<Uint8Array> = {
  maxLength: 4096,
  seeds: () => points().flatMap((point) => [point.toBytes(false), point.toBytes(true)]),
  decode: publicKeyFromSec1,
  allows: (error) => isSignerError(error, "BACKEND_RESPONSE_INVALID"),
  confirm(input, output) {
    strictEqual(hexlify(output), hexlify(Point.fromBytes(input).toBytes(false)));
  },
  confirmRefusal(input) {
    throws(() => Point.fromBytes(input));
  },
  maxOutput: () => 65,
};
