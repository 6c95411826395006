import { strictEqual, throws } from "node:assert";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { hexlify } from "ethers";
import { isSignerError } from "../../../src/core/errors.ts";
import { publicKeyFromEcPoint } from "../../../src/core/public-key.ts";
import { meantByEcPoint, points } from "../support/points.ts";
import type { FuzzTarget } from "../target.ts";

const { Point } = secp256k1;
const wrap = (point: Uint8Array) => Uint8Array.of(0x04, point.length, ...point);

export const target: FuzzTarget<Uint8Array> = {
  maxLength: 4096,
  seeds: () =>
    points().flatMap((point) => {
      const [long, short] = [point.toBytes(false), point.toBytes(true)];
      return [long, short, wrap(long), wrap(short)];
    }),
  decode: publicKeyFromEcPoint,
  allows: (error) => isSignerError(error, "BACKEND_RESPONSE_INVALID"),
  confirm(input, output) {
    strictEqual(hexlify(output), hexlify(Point.fromBytes(meantByEcPoint(input)).toBytes(false)));
  },
  confirmRefusal(input) {
    throws(() => Point.fromBytes(meantByEcPoint(input)));
  },
  maxOutput: () => 65,
};
