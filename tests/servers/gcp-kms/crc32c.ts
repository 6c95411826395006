/**
 * CRC-32C (Castagnoli, RFC 3720 appendix B.4), bit by bit: not the table of the code under test.
 *
 * @returns 0 to 2^32 - 1.
 */
export function crc32cOf(bytes: Uint8Array): number {
  let remainder = 0xffffffff;
  for (const byte of bytes) {
    remainder ^= byte;
    for (let bit = 0; bit < 8; bit++) remainder = (remainder >>> 1) ^ (remainder & 1 ? 0x82f63b78 : 0);
  }
  return (remainder ^ 0xffffffff) >>> 0;
}
