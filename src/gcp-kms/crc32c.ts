// CRC-32C (Castagnoli; RFC 3720, appendix B.4), reflected. The platform has the CRC-32 of Ethernet alone (`node:zlib`), no WebCrypto
// has either, and a table of sixteen entries is less than a dependency.
const TABLE = Uint32Array.from({ length: 16 }, (_, index) => {
  let remainder = index;
  for (let bit = 0; bit < 4; bit++) remainder = (remainder >>> 1) ^ (remainder & 1 ? 0x82f63b78 : 0);
  return remainder;
});

/** The CRC-32C by which Cloud KMS protects what it receives and returns: 0 to 2^32 - 1. */
export function crc32c(bytes: Uint8Array): number {
  let remainder = 0xffffffff;
  for (const byte of bytes) {
    remainder ^= byte;
    for (let half = 0; half < 2; half++) remainder = (remainder >>> 4) ^ (TABLE[remainder & 15] ?? 0);
  }
  return (remainder ^ 0xffffffff) >>> 0;
}
