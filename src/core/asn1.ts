import { type AsnType, fromBER, Sequence } from "asn1js";

/**
 * The elements of the SEQUENCE that `bytes` begin with, read by BER's lenient rules; undefined where they begin with
 * anything else. Whoever calls it compares with the DER encoding of what it took: this accepts far too much.
 */
export function sequenceElements(bytes: Uint8Array): readonly AsnType[] | undefined {
  try {
    const { result } = fromBER(bytes);
    return result instanceof Sequence ? result.valueBlock.value : undefined;
  } catch {
    // The parser reports most faults in its result, but throws at some values, such as a malformed time.
    return undefined;
  }
}
