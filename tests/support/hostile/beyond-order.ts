import { assertArgument, type BytesLike, getBytes, toBigInt } from "ethers";
import type { RawSignature } from "../../../src/core/signature.ts";
import { ORDER, Point } from "./point.ts";

/** A valid signature whose R has an x of n or more, which Ethereum cannot express. */
export interface BeyondOrder {
  /** 65 bytes, SEC1 uncompressed. Its private key is unknown. */
  readonly publicKey: Uint8Array;
  /** Valid for that key and the digest, by SEC 1's rules. */
  readonly signature: RawSignature;
}

/**
 * A public key, and a signature of it over `digest` whose point R has x ≥ n: one of the recovery ids 2 and 3, which Ethereum does
 * not have. ECDSA calls it valid; a signer must answer BACKEND_RESPONSE_INVALID, since no client could recover its address.
 *
 * No search finds such a signature for a key that is given. It is made backwards: R is chosen, then Q = (s·R - z·G) / r.
 *
 * @param digest 32 bytes.
 */
export function beyondOrder(digest: BytesLike): BeyondOrder {
  const bytes = getBytes(digest);
  assertArgument(bytes.length === 32, "invalid digest length", "digest", digest);
  const { Fn } = Point;
  const point = pointBeyondOrder();
  const [r, s] = [Fn.create(point.x), 2n];
  const z = Fn.create(toBigInt(bytes));
  const sum = point.multiply(s).subtract(z === 0n ? Point.ZERO : Point.BASE.multiply(z));
  return { publicKey: sum.multiply(Fn.inv(r)).toBytes(false), signature: { r, s } };
}

/** The first point with n < x < p, which is near: y² = x³ + 7 has a solution for every second x. */
function pointBeyondOrder() {
  for (let x = ORDER + 1n; ; x += 1n) {
    try {
      return Point.fromHex(`02${x.toString(16)}`);
    } catch {
      // Not on the curve.
    }
  }
}
