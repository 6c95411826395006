import { secp256k1 } from "@noble/curves/secp256k1.js";
import { Integer, Sequence } from "asn1js";
import { toBigInt } from "ethers";
import { copyBytes, decodeBer, equalBytes } from "./bytes.ts";
import { invalidResponse } from "./errors.ts";

const ORDER = secp256k1.Point.Fn.ORDER;

/** An ECDSA signature over secp256k1 as a backend returned it: r, the x of R modulo n, and s in 1..n-1; s may be high. */
export interface RawSignature {
  readonly r: bigint;
  readonly s: bigint;
}

/**
 * `{ r, s }` if both are bigints in 1..n-1 (SEC 1 v2, section 4.1.4, step 1).
 *
 * @throws SignerError BACKEND_RESPONSE_INVALID for anything else.
 */
export function checkSignatureRange(signature: RawSignature): RawSignature {
  if (typeof signature !== "object" || signature === null) {
    throw invalidResponse("the backend's signature is not an { r, s } object");
  }
  const { r, s } = signature;
  for (const [name, value] of Object.entries({ r, s })) {
    if (typeof value !== "bigint") throw invalidResponse(`the signature's ${name} is not a bigint but ${typeof value}`);
    if (value < 1n || value >= ORDER) throw invalidResponse(`the signature's ${name} is not in 1..n-1`);
  }
  return { r, s };
}

/**
 * Decodes a compact signature: r‖s, 32 bytes each, big-endian (RFC 7518, section 3.4; PKCS#11 v2.40, CKM_ECDSA). It does not
 * normalise s and verifies nothing.
 *
 * @throws SignerError BACKEND_RESPONSE_INVALID unless these are exactly 64 bytes with r and s in 1..n-1.
 */
export function signatureFromCompact(compact: Uint8Array): RawSignature {
  const bytes = copyBytes(compact, "the compact signature");
  if (bytes.length !== 64) {
    throw invalidResponse(`the compact signature has ${bytes.length} bytes; r and s of secp256k1 have 64`);
  }
  return checkSignatureRange({ r: toBigInt(bytes.slice(0, 32)), s: toBigInt(bytes.slice(32)) });
}

// The SEQUENCE's header, and two INTEGERs of at most 33 bytes with theirs.
const MAX_DER_LENGTH = 2 + 2 * (2 + 33);

/**
 * Decodes a DER signature: `ECDSA-Sig-Value ::= SEQUENCE { r INTEGER, s INTEGER }` (RFC 3279, section 2.2.3), at most 72 bytes.
 *
 * Strict: only the canonical encoding of (r, s) is accepted (X.690, sections 8.3.2 and 10.1). r and s may be shorter than 32
 * bytes. It does not normalise s and verifies nothing.
 *
 * @throws SignerError BACKEND_RESPONSE_INVALID for every other encoding, and for r or s not in 1..n-1.
 */
export function signatureFromDer(der: Uint8Array): RawSignature {
  const bytes = copyBytes(der, "the DER signature");
  if (bytes.length > MAX_DER_LENGTH) {
    throw invalidResponse(`the DER signature has ${bytes.length} bytes; secp256k1 needs at most ${MAX_DER_LENGTH}`);
  }
  const sequence = decodeBer(bytes);
  const [r, s] = sequence instanceof Sequence ? sequence.valueBlock.value : [];
  if (!(r instanceof Integer && s instanceof Integer)) throw notCanonical();
  const signature = checkSignatureRange({ r: r.toBigInt(), s: s.toBigInt() });
  if (!equalBytes(signatureToDer(signature), bytes)) throw notCanonical();
  return signature;
}

/** The DER encoding of a signature, 8 to 72 bytes: the inverse of {@link signatureFromDer}. */
export function signatureToDer({ r, s }: RawSignature): Uint8Array {
  return new Uint8Array(new Sequence({ value: [Integer.fromBigInt(r), Integer.fromBigInt(s)] }).toBER());
}

function notCanonical() {
  return invalidResponse("the signature is not the canonical DER encoding of SEQUENCE { r INTEGER, s INTEGER }");
}

/**
 * The same signature with s ≤ n/2, the only form that Ethereum accepts (EIP-2). r and s must be in 1..n-1.
 *
 * (r, s) and (r, n-s) verify alike, but belong to opposite points R: take the yParity of the signature that this returns.
 */
export function toLowS({ r, s }: RawSignature): RawSignature {
  return s > ORDER >> 1n ? { r, s: ORDER - s } : { r, s };
}
