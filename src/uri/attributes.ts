import { requireUri } from "./refusal.ts";

/** An attribute `name=value` of a URI's path or query, its value decoded. */
export interface UriAttribute {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Where its name begins in the whole URI, from 1. */
  readonly position: number;
}

/** One component of a URI: its text, and where that begins in the URI, from 0. */
export interface UriComponent {
  readonly text: string;
  readonly start: number;
}

/** What a component's grammar permits: its delimiter, and the characters of a value that need no percent-encoding. */
export interface UriGrammar {
  readonly delimiter: ";" | "&";
  readonly plain: RegExp;
}

const NAME = /^[A-Za-z\d_-]+$/;

/**
 * The attributes of a component in their order. An attribute without a value, an empty one between delimiters, and a character
 * that would have to be percent-encoded are refused.
 *
 * @throws ethers' INVALID_ARGUMENT.
 */
export function readAttributes({ text, start }: UriComponent, { delimiter, plain }: UriGrammar): UriAttribute[] {
  if (text === "") return [];
  let offset = start;
  return text.split(delimiter).map((part) => {
    const position = offset + 1;
    offset += part.length + delimiter.length;
    const equals = part.indexOf("=");
    const name = part.slice(0, Math.max(equals, 0));
    requireUri(NAME.test(name), `an attribute name=value is expected at position ${position}`);
    return { name, position, bytes: decode(part.slice(equals + 1), { name, at: position + equals + 1, plain }) };
  });
}

/** By name. @throws ethers' INVALID_ARGUMENT where a name is there twice. */
export function byName(attributes: readonly UriAttribute[]): Map<string, UriAttribute> {
  const found = new Map<string, UriAttribute>();
  for (const attribute of attributes) {
    const { name, position } = attribute;
    requireUri(!found.has(name), `the attribute ${name} is there twice, again at position ${position}`);
    found.set(name, attribute);
  }
  return found;
}

/** The value as text. @throws ethers' INVALID_ARGUMENT if it is not UTF-8. */
export function textOf({ name, bytes, position }: UriAttribute): string {
  const text = utf8(bytes);
  requireUri(text !== undefined, `the attribute ${name} at position ${position} is not UTF-8`);
  return text;
}

/** Undefined if the bytes are not UTF-8. */
export function utf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

interface Value {
  readonly name: string;
  /** Where it begins in the URI, from 1. */
  readonly at: number;
  readonly plain: RegExp;
}

function decode(text: string, { name, at, plain }: Value): Uint8Array {
  const bytes: number[] = [];
  for (let index = 0; index < text.length; index += 1) {
    const character = text.charAt(index);
    if (character === "%") {
      const digits = text.slice(index + 1, index + 3);
      const place = `in ${name} at position ${at + index}`;
      requireUri(/^[\da-f]{2}$/i.test(digits), `% must be followed by two hexadecimal digits, ${place}`);
      bytes.push(Number.parseInt(digits, 16));
      index += 2;
    } else {
      const place = `in ${name} at position ${at + index}`;
      requireUri(plain.test(character), `the character ${shown(character)} must be percent-encoded, ${place}`);
      bytes.push(character.charCodeAt(0));
    }
  }
  return Uint8Array.from(bytes);
}

/** Of a value only its kind of character is shown: it may belong to a secret. */
function shown(character: string): string {
  const code = character.charCodeAt(0);
  if (code <= 0x20) return code === 0x20 ? "blank" : "of control";
  return code > 0x7e ? "beyond ASCII" : `"${character}"`;
}
