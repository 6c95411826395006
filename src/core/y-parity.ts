import { toBigInt } from "ethers";
import { requireBytes } from "./bytes.ts";
import { ORDER, Point } from "./curve.ts";
import { invalidResponse, SignerError } from "./errors.ts";
import { checkSignatureRange, type RawSignature } from "./signature.ts";

/**
 * Verifies a signature over `digest` against the known public key and gives its yParity, in one computation.
 *
 * R = u1·G + u2·Q with u1 = z/s and u2 = r/s (SEC 1 v2, section 4.1.4). The signature is valid where R's x is r modulo n,
 * and the yParity is the parity of R's y: no candidate is tried and thrown away, as recovery would.
 *
 * It runs in variable time, on public values only. It does not normalise: of a high-s signature it gives the parity of
 * that very (r, s), so call it with what `toLowS` returned.
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
  if (requireBytes(digest, "the digest").length !== 32) {
    throw invalidResponse(`the digest has ${digest.length} bytes instead of 32`);
  }
  const inverse = Point.Fn.inv(s);
  const u1 = Point.Fn.mul(toBigInt(digest) % ORDER, inverse);
  const u2 = Point.Fn.mul(r, inverse);
  const point = Point.BASE.mulAddUnsafe(u1, pointFromSec1(publicKey), u2);
  if (point.is0() || point.x % ORDER !== r) {
    throw new SignerError(
      "SIGNATURE_MISMATCH",
      "the signature is not by the expected key over the requested digest; nothing was returned. Check that the key " +
        "behind the identifier has not changed and that the backend signs digests as they are, without hashing them",
    );
  }
  if (point.x >= ORDER) {
    throw invalidResponse(
      "the signature's R has x >= n (recovery id 2 or 3), which Ethereum cannot express; sign again",
    );
  }
  return point.y & 1n ? 1 : 0;
}

function pointFromSec1(publicKey: Uint8Array) {
  try {
    return Point.fromBytes(publicKey);
  } catch (cause) {
    throw invalidResponse("the public key is no SEC1 point of secp256k1", { cause });
  }
}
