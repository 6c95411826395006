import { concat, getBytes, toBeArray, toBeHex } from "ethers";
import type { RawSignature } from "../../src/core/signature.ts";

const LIMIT = 2n ** 256n;

/** Whether both are numbers that an encoding of 32 bytes can hold. */
export function fitsCompact({ r, s }: RawSignature): boolean {
  return [r, s].every((value) => value >= 0n && value < LIMIT);
}

/** r‖s, 64 bytes. */
export function compactOf({ r, s }: RawSignature): Uint8Array {
  return getBytes(concat([toBeHex(r, 32), toBeHex(s, 32)]));
}

/** DER of any two integers, negative and long ones too (X.690, section 8.3). */
export function derOf({ r, s }: RawSignature): Uint8Array {
  const content = [...integer(r), ...integer(s)];
  return Uint8Array.of(0x30, ...length(content.length), ...content);
}

function integer(value: bigint): number[] {
  const content = twosComplement(value);
  return [0x02, ...length(content.length), ...content];
}

function length(value: number): number[] {
  return value < 0x80 ? [value] : [0x81, value];
}

function twosComplement(value: bigint): number[] {
  if (value < 0n) {
    const bits = BigInt(8 * (toBeArray(-value).length + 1));
    return [...toBeArray((1n << bits) + value)];
  }
  const magnitude = [...toBeArray(value)];
  return (magnitude[0] ?? 0x80) & 0x80 ? [0, ...magnitude] : magnitude;
}
