import { requireThat } from "./refusal.ts";

// RSA-2048.
const SIGNATURE_LENGTH = 256;
const RESPONSE_HEADER_LENGTH = 16;
const INFO_HEADER_LENGTH = 8;
const PART_HEADER_LENGTH = 12;
// Those of a key pair have 35.
const MAX_ATTRIBUTES = 512;

/** Attributes of a part. The numbers are PKCS#11's where it has one. */
export const ATTRIBUTE = {
  CLASS: 0x0000,
  KEY_TYPE: 0x0100,
  ID: 0x0102,
  SENSITIVE: 0x0103,
  /** For an EC key: the point, 65 bytes. */
  MODULUS: 0x0120,
  EXTRACTABLE: 0x0162,
  LOCAL: 0x0163,
  NEVER_EXTRACTABLE: 0x0164,
  ALWAYS_SENSITIVE: 0x0165,
  /** SHA-256 of the SubjectPublicKeyInfo, so that the curve is bound, too. */
  EKCV: 0x1003,
} as const;

/** One half of a key pair: its attributes by number. */
export type Part = ReadonlyMap<number, Uint8Array>;

export interface Statement {
  /** What the signature is over. */
  readonly signed: Uint8Array;
  readonly signature: Uint8Array;
  /** One, or the public and the private half. */
  readonly parts: readonly Part[];
}

/**
 * Decodes a statement of Marvell LiquidSecurity firmware 3: a response header (code, flags, total size, size of the data; four u32), the data at
 * `length - size - 256`, and an RSA signature over all before it. The data begins with an info header (version, flags, two offsets; four u16),
 * and has at each offset a part: handle, count and size (u32), then `count` attributes (type and length, u32, and the value). All big-endian.
 * Source: Microsoft's verifier of Azure Managed HSM attestations, https://github.com/Azure/azure-managed-hsm-key-attestation
 *
 * @throws Refusal `format`: every length must fit, and an attribute may be there once.
 */
export function decodeStatement(bytes: Uint8Array): Statement {
  const end = bytes.length - SIGNATURE_LENGTH;
  requireThat(end >= RESPONSE_HEADER_LENGTH, "format", "the statement is too short to have a header and a signature");
  const view = new DataView(bytes.buffer, bytes.byteOffset, end);
  requireThat(view.getUint32(0) === 0, "format", `the statement's response code is ${view.getUint32(0)} instead of 0`);
  requireThat(view.getUint32(8) === bytes.length, "format", "the statement does not have the length that it states");
  const start = end - view.getUint32(12);
  requireThat(
    start >= RESPONSE_HEADER_LENGTH && start + INFO_HEADER_LENGTH <= end,
    "format",
    "the statement's data is not within it",
  );
  const [first, second] = [view.getUint16(start + 4), view.getUint16(start + 6)];
  const parts: Part[] = [];
  let position = start + INFO_HEADER_LENGTH;
  for (const offset of second === 0 ? [first] : [first, second]) {
    // The parts follow one another: none overlaps another or the header.
    requireThat(start + offset >= position, "format", "the parts of the statement overlap");
    const part = readPart(view, start + offset);
    parts.push(part.attributes);
    position = part.end;
  }
  return { signed: bytes.subarray(0, end), signature: bytes.subarray(end), parts };
}

function readPart(view: DataView, start: number): { readonly attributes: Part; readonly end: number } {
  requireThat(start + PART_HEADER_LENGTH <= view.byteLength, "format", "a part of the statement is not within it");
  const [count, size] = [view.getUint32(start + 4), view.getUint32(start + 8)];
  requireThat(count <= MAX_ATTRIBUTES, "format", `a part of the statement has ${count} attributes`);
  const attributes = new Map<number, Uint8Array>();
  let position = start + PART_HEADER_LENGTH;
  for (let index = 0; index < count; index += 1) {
    requireThat(position + 8 <= view.byteLength, "format", "an attribute of the statement is not within it");
    const [type, length] = [view.getUint32(position), view.getUint32(position + 4)];
    position += 8;
    requireThat(length <= view.byteLength - position, "format", "an attribute of the statement is not within it");
    requireThat(!attributes.has(type), "format", `the attribute 0x${type.toString(16)} is there twice`);
    attributes.set(type, new Uint8Array(view.buffer, view.byteOffset + position, length));
    position += length;
  }
  requireThat(position - start - PART_HEADER_LENGTH === size, "format", "a part does not have the size that it states");
  return { attributes, end: position };
}
