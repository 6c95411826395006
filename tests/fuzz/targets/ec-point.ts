import { strictEqual, throws } from "node:assert";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { getBytes, hexlify } from "ethers";
import { isSignerError } from "../../../src/core/errors.ts";
import { publicKeyFromEcPoint } from "../../../src/core/public-key.ts";
import { points } from "../support/points.ts";
import type { FuzzTarget } from "../target.ts";

const { Point } = secp256k1;
const wrap = (point: Uint8Array) => Uint8Array.of(0x04, point.length, ...point);

/** What a CKA_EC_POINT must mean by another reading: an OCTET STRING exactly around a point, or else the point itself. */
function meant(input: Uint8Array): Uint8Array {
  const text = hexlify(input);
  const inner = /^0x04(?:41((?:..){65})|21((?:..){33}))$/.exec(text);
  return getBytes(`0x${inner?.[1] ?? inner?.[2] ?? text.slice(2)}`);
}

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
    strictEqual(hexlify(output), hexlify(Point.fromBytes(meant(input)).toBytes(false)));
  },
  confirmRefusal(input) {
    throws(() => Point.fromBytes(meant(input)));
  },
  maxOutput: () => 65,
};
