import { hexlify } from "ethers";
import type { KeySelector } from "./options.ts";

/** What tells the keys of a token apart: both as the private key has them, empty if it has none. */
export interface KeyName {
  /** CKA_LABEL: meant to be UTF-8, but any bytes occur. */
  readonly label: Uint8Array;
  readonly id: Uint8Array;
}

/** The name in what a token shows of CKA_LABEL and CKA_ID, in this order. */
export function keyName([label = NOTHING, id = NOTHING]: readonly (Uint8Array | undefined)[]): KeyName {
  return { label, id };
}

/** The label for people; undefined where there is none. */
export function labelText({ label }: KeyName): string | undefined {
  return label.length === 0 ? undefined : Buffer.from(label).toString();
}

/** The same text for the same name, and for no other. */
export function nameText({ label, id }: KeyName): string {
  return `${hexlify(label)} ${hexlify(id)}`;
}

/** How errors call a key, for example `labelled "hot" and with CKA_ID 0x01`. */
export function describe({ label, id }: KeySelector | KeyName): string {
  const parts = [];
  if (label?.length) parts.push(`labelled ${JSON.stringify(Buffer.from(label).toString())}`);
  if (id?.length) parts.push(`with CKA_ID ${hexlify(id)}`);
  return parts.join(" and ") || "without a label and a CKA_ID";
}

/**
 * A hint if one of `labels` reads like the wanted one and is another: tools differ in Unicode normalisation (PKCS#11
 * asks for none), case and blanks.
 */
export function similarLabelHint(wanted: string | Uint8Array | undefined, labels: readonly Uint8Array[]): string {
  if (!wanted?.length) return "";
  const bytes = Buffer.from(wanted);
  // Another CKA_ID is why a key of the very label is not the wanted one.
  const similar = labels.find((label) => !bytes.equals(label) && label.length > 0 && plain(label) === plain(wanted));
  if (!similar) return "";
  return `. A label reads like it, but has other bytes: ${hexlify(similar)}, not ${hexlify(bytes)}`;
}

function plain(label: string | Uint8Array): string {
  return Buffer.from(label).toString().normalize("NFKC").replace(/\s+/g, "").toLowerCase();
}

const NOTHING = new Uint8Array();
