import { getBytes, SigningKey, toBigInt } from "ethers";
import { type AffinePoint, isOnCurve, PRIME } from "./curve.ts";

/** The point of a SEC1 encoding (SEC 1 v2, section 2.3.4), uncompressed or compressed; undefined where it is none. */
export function pointFromSec1(bytes: Uint8Array): AffinePoint | undefined {
  if (bytes.length === 33) return decompressed(bytes);
  if (bytes.length !== 65 || bytes[0] !== 0x04) return undefined;
  const point = { x: toBigInt(bytes.slice(1, 33)), y: toBigInt(bytes.slice(33)) };
  return point.x < PRIME && point.y < PRIME && isOnCurve(point) ? point : undefined;
}

function decompressed(bytes: Uint8Array): AffinePoint | undefined {
  try {
    return pointFromSec1(getBytes(SigningKey.computePublicKey(bytes, false)));
  } catch {
    return undefined;
  }
}
