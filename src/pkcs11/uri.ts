import type { Pkcs11TokenMatch, TokenSelector } from "./options.ts";

interface Named {
  readonly token: TokenSelector;
  /** Nothing for the token itself; an empty part is left out. */
  readonly key?: { readonly label: string | Uint8Array | undefined; readonly id: Uint8Array | undefined };
}

/** The names of RFC 7512, section 2.3, for what a token, its slot and its library say of themselves, but for the label. */
export const MATCH_ATTRIBUTES = [
  ["manufacturer", "manufacturer"],
  ["model", "model"],
  ["serial", "serialNumber"],
  ["slot-description", "slotDescription"],
  ["slot-manufacturer", "slotManufacturer"],
  ["library-description", "libraryDescription"],
  ["library-manufacturer", "libraryManufacturer"],
  ["library-version", "libraryVersion"],
] as const satisfies readonly (readonly [attribute: string, member: keyof Pkcs11TokenMatch])[];

/**
 * The PKCS#11 URI of a key or a token (RFC 7512, section 2.3), without the library's file and the PIN: an identifier for logs
 * and errors. A slotIndex, for which the RFC has no word, is the vendor attribute x-slot-index.
 */
export function pkcs11Uri({ token, key }: Named): string {
  const { match } = token;
  const attributes: (readonly [name: string, value: string | undefined])[] = [
    ["token", textOf(token.tokenLabel ?? match?.label)],
    ...MATCH_ATTRIBUTES.map(([name, member]) => [name, textOf(match?.[member])] as const),
    ["slot-id", token.slot?.toString()],
    ["x-slot-index", token.slotIndex?.toString()],
    ["object", key?.label?.length ? percentEncodeText(key.label) : undefined],
    ["id", key?.id?.length ? percentEncode(key.id) : undefined],
  ];
  const present = attributes.filter(([, value]) => value !== undefined);
  return `pkcs11:${present.map(([name, value]) => `${name}=${value}`).join(";")}`;
}

function textOf(text: string | undefined): string | undefined {
  return text === undefined ? undefined : percentEncodeText(text);
}

// Every byte of a label counts, also if it is not UTF-8.
function percentEncodeText(text: string | Uint8Array): string {
  return Buffer.from(text)
    .toString("latin1")
    .replace(/[^\w.!~*'()-]/g, (byte) => percentEncode(Buffer.from(byte, "latin1")));
}

function percentEncode(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`).join("");
}
