import { type AsnType, fromBER } from "asn1js";

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
