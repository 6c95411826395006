/** Tags of X.690, section 8.1.2, as one octet. */
export const TAG = { INTEGER: 0x02, BIT_STRING: 0x03, OBJECT_IDENTIFIER: 0x06, SEQUENCE: 0x30 } as const;

/** An element of a DER encoding: the octets behind its tag and its length. */
export interface DerElement {
  readonly tag: number;
  readonly content: Uint8Array;
}

/**
 * The elements that `bytes` consist of, one behind the other (X.690, section 8.1); undefined where they do not.
 *
 * Lengths are definite and below 2^16. It is not strict: whoever calls it encodes what it took by DER's rules, and compares.
 */
export function derElements(bytes: Uint8Array): readonly DerElement[] | undefined {
  const elements: DerElement[] = [];
  let at = 0;
  while (at < bytes.length) {
    const extent = extentAt(bytes, at + 1);
    if (!extent || extent.end > bytes.length) return undefined;
    elements.push({ tag: bytes[at] as number, content: bytes.subarray(extent.start, extent.end) });
    at = extent.end;
  }
  return elements;
}

/** The elements within the one SEQUENCE that `bytes` are; undefined where they are anything else. */
export function sequenceElements(bytes: Uint8Array): readonly DerElement[] | undefined {
  const [outer, ...others] = derElements(bytes) ?? [];
  return outer?.tag === TAG.SEQUENCE && others.length === 0 ? derElements(outer.content) : undefined;
}

/** From where to where the content goes whose length is at `at`. */
function extentAt(bytes: Uint8Array, at: number): { readonly start: number; readonly end: number } | undefined {
  const [first, second, third] = bytes.subarray(at, at + 3);
  if (first === undefined) return undefined;
  if (first < 0x80) return { start: at + 1, end: at + 1 + first };
  if (first === 0x81 && second !== undefined) return { start: at + 2, end: at + 2 + second };
  if (first === 0x82 && second !== undefined && third !== undefined) {
    return { start: at + 3, end: at + 3 + second * 0x100 + third };
  }
  return undefined;
}

/** The dotted form of an OBJECT IDENTIFIER's content (X.690, section 8.19). */
export function objectIdentifierText(content: Uint8Array): string {
  const arcs: bigint[] = [];
  let arc = 0n;
  for (const octet of content) {
    arc = (arc << 7n) + BigInt(octet & 0x7f);
    if (octet & 0x80) continue;
    arcs.push(arc);
    arc = 0n;
  }
  const [joined = 0n, ...others] = arcs;
  // The first two arcs are one number: 40 times the first, which is 0, 1 or 2, and the second.
  const first = joined < 80n ? joined / 40n : 2n;
  return [first, joined - 40n * first, ...others].join(".");
}
