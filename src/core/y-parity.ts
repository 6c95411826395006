import { SigningKey, toBeHex, toBigInt } from "ethers";
import { requireBytes } from "./bytes.ts";
import { type AffinePoint, GENERATOR, isOnCurve, ORDER } from "./curve.ts";
import { invalidResponse, SignerError } from "./errors.ts";
import { invert } from "./inverse.ts";
import { plainSum } from "./plain-sum.ts";
import { pointFromSec1 } from "./sec1.ts";
import { checkSignatureRange, type RawSignature, toLowS } from "./signature.ts";
import { tabledSum } from "./tabled-sum.ts";
import { Tables } from "./tables.ts";

/**
 * Verifies a signature over `digest` against the known public key and gives its yParity, in one computation.
 *
 * R = u1·G + u2·Q with u1 = z/s and u2 = r/s (SEC 1 v2, section 4.1.4). The signature is valid where R's x is r modulo n,
 * and the yParity is the parity of R's y: no candidate is tried and thrown away, as recovery would.
 *
 * It runs in variable time, on public values only. It does not normalise: of a high-s signature it gives the parity of
 * that very (r, s), so call it with what `toLowS` returned.
 *
 * A process that verifies many signatures gets faster after some dozens of them: tables of up to 5 MB then stay in memory.
 *
 * @param publicKey 65 bytes, SEC1 uncompressed, or 33, compressed.
 * @param digest exactly 32 bytes: what was signed, not its pre-image.
 * @returns 0 or 1, as in typed transactions (EIP-2718); 27 + yParity is the v of a message.
 * @throws SignerError SIGNATURE_MISMATCH where the signature is not by this key over this digest;
 *   BACKEND_RESPONSE_INVALID where r or s is not in 1..n-1, the point is not on the curve, or R's x is ≥ n: Ethereum has
 *   no recovery ids 2 and 3.
 */
export function verifiedYParity(publicKey: Uint8Array, digest: Uint8Array, signature: RawSignature): 0 | 1 {
  const { r, s } = checkSignatureRange(signature);
  const hash = requireDigest(digest);
  const key = requireKey(publicKey);
  const inverse = invert(s, ORDER);
  const u1 = modulo(toBigInt(hash) * inverse, ORDER);
  const u2 = modulo(r * inverse, ORDER);
  const point = quickSum(u1, key, u2);
  if (point && isOnCurve(point)) {
    if (point.x === r) return parityOf(point.y);
    if (point.x === r + ORDER) {
      throw invalidResponse(
        "the signature's R has x >= n (recovery id 2 or 3), which Ethereum cannot express; sign again",
      );
    }
  }
  // A quick sum is believed where it confirms the signature. A refusal is ethers' own, which knows all cases.
  const yParity = recoveredYParity(key, hash, { r, s });
  if (yParity !== undefined) return yParity;
  throw new SignerError(
    "SIGNATURE_MISMATCH",
    "the signature is not by the expected key over the requested digest; nothing was returned. Check that the key " +
      "behind the identifier has not changed and that the backend signs digests as they are, without hashing them",
  );
}

const tables = new Tables(GENERATOR);

/** u1·G + u2·Q by this package's own arithmetic; undefined for infinity, and in other cases that hardly ever occur. */
function quickSum(u1: bigint, publicKey: Uint8Array, u2: bigint): AffinePoint | undefined {
  const generator = tables.generator();
  if (!generator) return plainSum(u1, GENERATOR, u2, requirePoint(publicKey));
  const key = tables.key(publicKey, () => requirePoint(publicKey));
  return tabledSum(u1, generator, u2, key);
}

/** The yParity with which ethers recovers this key from the signature; undefined where it does so with neither. */
function recoveredYParity(publicKey: Uint8Array, digest: Uint8Array, signature: RawSignature): 0 | 1 | undefined {
  const { r, s } = toLowS(signature);
  const expected = SigningKey.computePublicKey(publicKey, false);
  const found = ([0, 1] as const).find((yParity) => {
    try {
      const low = { r: toBeHex(r, 32), s: toBeHex(s, 32), yParity };
      return SigningKey.recoverPublicKey(digest, low) === expected;
    } catch {
      // r is the x of no point, or what is recovered is infinity.
      return false;
    }
  });
  // (r, s) and (r, n-s) belong to opposite points R.
  return found === undefined || s === signature.s ? found : parityOf(BigInt(found) + 1n);
}

function parityOf(y: bigint): 0 | 1 {
  return y & 1n ? 1 : 0;
}

function modulo(value: bigint, modulus: bigint): bigint {
  const rest = value % modulus;
  return rest < 0n ? rest + modulus : rest;
}

/** Copies: what is looked at twice is the same both times, whoever shares the caller's memory. */
function requireDigest(digest: Uint8Array): Uint8Array {
  const bytes = requireBytes(digest, "the digest");
  if (bytes.length !== 32) throw invalidResponse(`the digest has ${bytes.length} bytes instead of 32`);
  return bytes.slice();
}

function requireKey(publicKey: Uint8Array): Uint8Array {
  const bytes = requireBytes(publicKey, "the public key");
  if (bytes.length !== 65 && bytes.length !== 33) throw notSec1();
  return bytes.slice();
}

function requirePoint(publicKey: Uint8Array): AffinePoint {
  const point = pointFromSec1(publicKey);
  if (point) return point;
  throw notSec1();
}

function notSec1(): SignerError {
  return invalidResponse("the public key is no SEC1 point of secp256k1");
}
