import type { TokenSelector } from "./options.ts";

interface Named {
  readonly token: TokenSelector;
  /** Nothing for the token itself; an empty part is left out. */
  readonly key?: { readonly label: string | Uint8Array | undefined; readonly id: Uint8Array | undefined };
}

/**
 * The PKCS#11 URI of a key or a token (RFC 7512, section 2.3), without the library and the PIN: an identifier for logs and
 * errors. A slotIndex, for which the RFC has no word, is the vendor attribute x-slot-index.
 */
export function pkcs11Uri({ token, key }: Named): string {
  const attributes: (readonly [name: string, value: string | undefined])[] = [
    ["token", token.tokenLabel && percentEncodeText(token.tokenLabel)],
    ["slot-id", token.slot?.toString()],
    ["x-slot-index", token.slotIndex?.toString()],
    ["object", key?.label && percentEncodeText(key.label)],
    ["id", key?.id && percentEncode(key.id)],
  ];
  const present = attributes.filter(([, value]) => value);
  return `pkcs11:${present.map(([name, value]) => `${name}=${value}`).join(";")}`;
}

// Of a label that is no UTF-8, as of any other, every byte counts.
function percentEncodeText(text: string | Uint8Array): string {
  return Buffer.from(text)
    .toString("latin1")
    .replace(/[^\w.!~*'()-]/g, (byte) => percentEncode(Buffer.from(byte, "latin1")));
}

function percentEncode(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`).join("");
}
