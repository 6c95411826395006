import type { CheckedOptions } from "./options.ts";

/**
 * The PKCS#11 URI of a key (RFC 7512, section 2.3), without the library and the PIN: an identifier for logs and errors. A
 * slotIndex, for which the RFC has no word, is the vendor attribute x-slot-index.
 */
export function keyUri({ token, key }: Pick<CheckedOptions, "token" | "key">): string {
  const attributes: (readonly [name: string, value: string | undefined])[] = [
    ["token", token.tokenLabel && encodeURIComponent(token.tokenLabel)],
    ["slot-id", token.slot?.toString()],
    ["x-slot-index", token.slotIndex?.toString()],
    ["object", key.label && encodeURIComponent(key.label)],
    ["id", key.id && percentEncode(key.id)],
  ];
  const present = attributes.filter(([, value]) => value !== undefined);
  return `pkcs11:${present.map(([name, value]) => `${name}=${value}`).join(";")}`;
}

function percentEncode(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`).join("");
}
