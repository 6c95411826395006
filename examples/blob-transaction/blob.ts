import { type BytesLike, concat, dataSlice, getBytes, hexlify, sha256 } from "ethers";

const FIELD_ELEMENTS = 4096;
// A field element of BLS12-381 has less than 255 bits: the first of its 32 bytes stays zero.
const USABLE = 31;
const LENGTH_BYTES = 4;

/** How many bytes go into one blob here. */
export const BLOB_CAPACITY = FIELD_ELEMENTS * USABLE - LENGTH_BYTES;

/**
 * A blob, 131,072 bytes, that holds `data`: its length in 4 bytes, then the data itself, in 31 of each field element's
 * 32 bytes.
 */
export function encodeBlob(data: Uint8Array): string {
  if (data.length > BLOB_CAPACITY) throw new Error(`a blob takes ${BLOB_CAPACITY} bytes, not ${data.length}`);
  const content = new Uint8Array(FIELD_ELEMENTS * USABLE);
  new DataView(content.buffer).setUint32(0, data.length);
  content.set(data, LENGTH_BYTES);
  const blob = new Uint8Array(FIELD_ELEMENTS * (USABLE + 1));
  for (let element = 0; element < FIELD_ELEMENTS; element += 1) {
    blob.set(content.subarray(element * USABLE, (element + 1) * USABLE), element * (USABLE + 1) + 1);
  }
  return hexlify(blob);
}

/** What {@link encodeBlob} was given. */
export function decodeBlob(blob: BytesLike): Uint8Array {
  const bytes = getBytes(blob);
  if (bytes.length !== FIELD_ELEMENTS * (USABLE + 1)) throw new Error("a blob has 131072 bytes");
  const content = new Uint8Array(FIELD_ELEMENTS * USABLE);
  for (let element = 0; element < FIELD_ELEMENTS; element += 1) {
    const start = element * (USABLE + 1);
    content.set(bytes.subarray(start + 1, start + USABLE + 1), element * USABLE);
  }
  const length = new DataView(content.buffer).getUint32(0);
  return content.slice(LENGTH_BYTES, LENGTH_BYTES + length);
}

/** The hash by which a transaction names its blob (EIP-4844, `kzg_to_versioned_hash`). */
export function versionedHash(commitment: string): string {
  return concat(["0x01", dataSlice(sha256(commitment), 1)]);
}
