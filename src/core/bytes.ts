import { isBytes } from "@noble/curves/utils.js";
import { type AsnType, fromBER } from "asn1js";
import { invalidResponse } from "./errors.ts";

/** A copy of a Uint8Array of any realm, of the bytes in memory, whatever length a subclass claims. @throws BACKEND_RESPONSE_INVALID. */
export function copyBytes(value: unknown, what: string): Uint8Array {
  if (ArrayBuffer.isView(value) && isBytes(value)) return new Uint8Array(value);
  throw invalidResponse(`${what} is not a Uint8Array but ${value === null ? "null" : typeof value}`);
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

/** The one ASN.1 value that `bytes` are by BER's rules; undefined if they are anything else. */
export function decodeBer(bytes: Uint8Array): AsnType | undefined {
  try {
    const { offset, result } = fromBER(bytes);
    return offset === bytes.length ? result : undefined;
  } catch {
    // asn1js throws at some malformed values, of times for example.
    return undefined;
  }
}
