import type { Pkcs11KeyOptions, Pkcs11TokenMatch } from "../pkcs11/index.ts";
import { MATCH_ATTRIBUTES } from "../pkcs11/uri.ts";
import { byName, readAttributes, textOf, type UriAttribute, type UriComponent, utf8 } from "./attributes.ts";
import type { Pkcs11KeyUri } from "./parsed-uri.ts";
import { requireUri } from "./refusal.ts";

// RFC 7512, section 2.3: pk11-pchar and pk11-qchar.
const PATH = { delimiter: ";", plain: /[\w.~:[\]@!$'()*+,=&-]/ } as const;
const QUERY = { delimiter: "&", plain: /[\w.~:[\]@!$'()*+,=/?|-]/ } as const;

const PATH_NAMES: ReadonlySet<string> = new Set([
  ...["token", "object", "type", "id", "slot-id", "x-slot-index"],
  ...MATCH_ATTRIBUTES.map(([name]) => name),
]);
const QUERY_NAMES = ["pin-source", "pin-value", "module-name", "module-path"] as const;

const MAX_SLOT = 2n ** 64n - 1n;

type Attributes = ReadonlyMap<string, UriAttribute>;

/**
 * RFC 7512 as a whole, with these decisions where it leaves one: pin-value is refused, since a URI ends up in logs and process
 * lists; an unknown attribute of the path is refused, since it can only match nothing (section 2.5); one of the query is passed
 * over with a warning; a standard attribute of the query may not be there twice either.
 */
export function readPkcs11Uri(path: UriComponent, query: UriComponent): Omit<Pkcs11KeyUri, "backend"> {
  const attributes = byName(readAttributes(path, PATH));
  for (const { name, position } of attributes.values()) {
    const known = "RFC 7512 has no such attribute, and x-slot-index is the only one besides";
    requireUri(PATH_NAMES.has(name), `the attribute ${name} at position ${position} is unknown: ${known}`);
  }
  requireKeyType(attributes.get("type"));
  return { options: { ...readToken(attributes), ...readKey(attributes) }, ...readQuery(query) };
}

function requireKeyType(type: UriAttribute | undefined): void {
  if (type === undefined) return;
  const text = textOf(type);
  const place = `at position ${type.position}`;
  requireUri(/^(public|private|cert|secret-key|data)$/.test(text), `type ${place} is none of RFC 7512's`);
  requireUri(text === "private", `type ${place} must be private: only a private key signs`);
}

function readToken(attributes: Attributes): Partial<Pkcs11KeyOptions> {
  const [slot, slotIndex] = [readNumber(attributes.get("slot-id")), readNumber(attributes.get("x-slot-index"))];
  requireUri(slot === undefined || slotIndex === undefined, "slot-id and x-slot-index exclude each other");
  const token = attributes.get("token");
  const label = token && textOf(token);
  // Where a slot is named too, or the label is empty, it is one more thing that must hold.
  const named = label !== undefined && label !== "" && slot === undefined && slotIndex === undefined;
  const match = { ...readMatch(attributes), ...(label === undefined || named ? {} : { label }) };
  return {
    ...(named ? { tokenLabel: label } : {}),
    ...(slot === undefined ? {} : { slot }),
    ...(slotIndex === undefined ? {} : { slotIndex: Number(slotIndex) }),
    ...(Object.keys(match).length === 0 ? {} : { match }),
  };
}

function readMatch(attributes: Attributes): Pkcs11TokenMatch {
  const found: { -readonly [Name in keyof Pkcs11TokenMatch]: string } = {};
  for (const [name, member] of MATCH_ATTRIBUTES) {
    const attribute = attributes.get(name);
    if (attribute) found[member] = name === "library-version" ? readVersion(attribute) : textOf(attribute);
  }
  return found;
}

/** Section 2.3: M stands for M.0, and both are one byte. */
function readVersion(attribute: UriAttribute): string {
  const [, major, minor = "0"] = /^(\d+)(?:\.(\d+))?$/.exec(textOf(attribute)) ?? [];
  const fits = major !== undefined && Number(major) <= 255 && Number(minor) <= 255;
  requireUri(fits, `library-version at position ${attribute.position} must be M or M.N, each from 0 to 255`);
  return `${Number(major)}.${Number(minor)}`;
}

function readNumber(attribute: UriAttribute | undefined): bigint | undefined {
  if (attribute === undefined) return undefined;
  const { name, position } = attribute;
  const text = textOf(attribute);
  const largest = name === "slot-id" ? MAX_SLOT : BigInt(Number.MAX_SAFE_INTEGER);
  const fits = /^\d{1,20}$/.test(text) && BigInt(text) <= largest;
  requireUri(fits, `${name} at position ${position} must be a decimal number up to ${largest}`);
  return BigInt(text);
}

function readKey(attributes: Attributes): Partial<Pkcs11KeyOptions> {
  const [object, id] = [attributes.get("object"), attributes.get("id")];
  for (const attribute of [object, id]) {
    if (attribute === undefined) continue;
    const { name, position, bytes } = attribute;
    requireUri(bytes.length > 0, `${name} at position ${position} is empty: a key without one cannot be named by it`);
  }
  return {
    ...(object ? { keyLabel: utf8(object.bytes) ?? object.bytes } : {}),
    ...(id ? { keyId: id.bytes } : {}),
  };
}

function readQuery(query: UriComponent): Pick<Pkcs11KeyUri, "pinSource" | "module"> {
  const all = readAttributes(query, QUERY);
  const [known, unknown] = [all.filter(isStandard), all.filter((attribute) => !isStandard(attribute))];
  const attributes = byName(known);
  const pinValue = attributes.get("pin-value");
  requireUri(
    pinValue === undefined,
    `pin-value at position ${pinValue?.position} is refused, since others see URIs: use pin-source=file:/… or pin-source=env:NAME`,
  );
  for (const { name } of unknown) warn(name);
  const given = (name: (typeof QUERY_NAMES)[number]) => {
    const attribute = attributes.get(name);
    if (attribute === undefined) return undefined;
    const text = textOf(attribute);
    requireUri(text !== "", `${name} at position ${attribute.position} is empty`);
    return text;
  };
  return { pinSource: given("pin-source"), module: { path: given("module-path"), name: given("module-name") } };
}

function isStandard({ name }: UriAttribute): boolean {
  return QUERY_NAMES.some((each) => each === name);
}

function warn(name: string): void {
  process.emitWarning(`the attribute ${name} in the query of a PKCS#11 URI is unknown and has no effect`, {
    code: "ETHERS_HSM_URI_ATTRIBUTE",
  });
}
