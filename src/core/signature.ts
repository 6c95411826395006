import { toBigInt } from "ethers";
import { requireBytes } from "./bytes.ts";
import { ORDER } from "./curve.ts";
import { invalidResponse } from "./errors.ts";

/** An ECDSA signature over secp256k1 as a backend gives it: r and s in 1..n-1; s may be high. */
export interface RawSignature {
  /** The x of R, modulo n. */
  readonly r: bigint;
  /** May be above n/2. */
  readonly s: bigint;
}

/**
 * `{ r, s }` where both are bigints in 1..n-1 (SEC 1 v2, section 4.1.4, step 1).
 *
 * @throws SignerError BACKEND_RESPONSE_INVALID for anything else.
 */
export function checkSignatureRange(signature: RawSignature): RawSignature {
  if (typeof signature !== "object" || signature === null) {
    throw invalidResponse("the backend's signature is no { r, s } object");
  }
  const { r, s } = signature;
  for (const [name, value] of [
    ["r", r],
    ["s", s],
  ] as const) {
    if (typeof value !== "bigint") throw invalidResponse(`the signature's ${name} is no bigint but ${typeof value}`);
    if (value < 1n || value >= ORDER) throw invalidResponse(`the signature's ${name} is not in 1..n-1`);
  }
  return { r, s };
}

/**
 * Reads a compact signature: r‖s, 32 bytes each, big-endian (RFC 7518, section 3.4; PKCS#11 v2.40, CKM_ECDSA).
 *
 * It does not normalise s and verifies nothing.
 *
 * @throws SignerError BACKEND_RESPONSE_INVALID unless these are exactly 64 bytes with r and s in 1..n-1.
 */
export function signatureFromCompact(compact: Uint8Array): RawSignature {
  const bytes = requireBytes(compact, "the compact signature");
  if (bytes.length !== 64) {
    throw invalidResponse(`the compact signature has ${bytes.length} bytes; r and s of secp256k1 have 64`);
  }
  return checkSignatureRange({ r: toBigInt(bytes.slice(0, 32)), s: toBigInt(bytes.slice(32)) });
}

/**
 * The same signature with s ≤ n/2, the only form that Ethereum accepts (EIP-2). r and s must be in 1..n-1.
 *
 * (r, s) and (r, n-s) verify alike, but belong to opposite points R: take the yParity of the signature that this returns.
 */
export function toLowS({ r, s }: RawSignature): RawSignature {
  return s > ORDER >> 1n ? { r, s: ORDER - s } : { r, s };
}
