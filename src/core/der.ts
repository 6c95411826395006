import { getBytes, toBeHex, toBigInt } from "ethers";
import { equalBytes, requireBytes } from "./bytes.ts";
import { sequenceElements, TAG } from "./der-elements.ts";
import { invalidResponse } from "./errors.ts";
import { checkSignatureRange, type RawSignature } from "./signature.ts";

// SEQUENCE header, and two INTEGERs of at most 33 bytes with their headers.
const MAX_LENGTH = 2 + 2 * (2 + 33);

/**
 * Reads a DER signature: `ECDSA-Sig-Value ::= SEQUENCE { r INTEGER, s INTEGER }` (RFC 3279, section 2.2.3).
 *
 * Strict: only the one canonical encoding of (r, s) is accepted (X.690, sections 8.3.2 and 10.1). r and s shorter than 32
 * bytes are as right as any. It does not normalise s and verifies nothing.
 *
 * @param der at most 72 bytes.
 * @throws SignerError BACKEND_RESPONSE_INVALID for every other encoding, and for r or s not in 1..n-1.
 */
export function signatureFromDer(der: Uint8Array): RawSignature {
  const bytes = requireBytes(der, "the DER signature");
  if (bytes.length > MAX_LENGTH) {
    throw invalidResponse(`the DER signature has ${bytes.length} bytes; secp256k1 needs at most ${MAX_LENGTH}`);
  }
  const signature = checkSignatureRange(parse(bytes));
  // The reader forgives trailing bytes, long lengths, padded or negative integers. All of these differ from the encoding that
  // DER prescribes for the values which were taken from them.
  if (!equalBytes(bytes, signatureToDer(signature))) throw notCanonical();
  return signature;
}

/** The DER encoding of a signature, 8 to 72 bytes: the inverse of {@link signatureFromDer}. */
export function signatureToDer({ r, s }: RawSignature): Uint8Array {
  const content = [...derInteger(r), ...derInteger(s)];
  return Uint8Array.of(0x30, content.length, ...content);
}

function derInteger(value: bigint): number[] {
  // Two's complement: one bit more than the magnitude has, in whole octets.
  const length = (value.toString(2).length >> 3) + 1;
  return [0x02, length, ...getBytes(toBeHex(value, length))];
}

function parse(bytes: Uint8Array): RawSignature {
  const [r, s] = sequenceElements(bytes) ?? [];
  if (r?.tag !== TAG.INTEGER || s?.tag !== TAG.INTEGER) throw notCanonical();
  return { r: toBigInt(r.content), s: toBigInt(s.content) };
}

function notCanonical() {
  return invalidResponse("the signature is not the canonical DER encoding of SEQUENCE { r INTEGER, s INTEGER }");
}
