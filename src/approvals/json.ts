import { assertArgument, decodeBase64, encodeBase64, getAddress } from "ethers";
import { quoteName } from "./display.ts";

type JsonObject = Readonly<Record<string, unknown>>;

/** Longest name, service, role or date. Notes have their own. */
const MAX_TEXT = 256;
const MAX_LEVELS = 64;
const STRING_OR_SPACE = /"(?:[^"\\]|\\.)*"|\s+/g;
const STRING_OR_BRACKET = /"(?:[^"\\]|\\.)*"|[{}[\]]/g;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
// Names go into messages and onto approvers' terminals: no control, no format and no private-use characters.
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/u;

/**
 * A JSON object from outside, of at most `limit` characters. What {@link parseJson} refuses is refused.
 *
 * @throws ethers' INVALID_ARGUMENT, which does not show the text.
 */
export function parseJsonObject(text: string, what: string, limit: number): JsonObject {
  assertArgument(typeof text === "string", `${what} must be a string`, "text", typeof text);
  assertArgument(
    text.length <= limit,
    `${what} is longer than ${limit} characters`,
    "text",
    `${text.length} characters`,
  );
  return readObject(parseJson(text, what), what);
}

/**
 * JSON of which nothing is lost: its value, written again, is the same text but for white space and escapes. So a member that an object has
 * twice (readers differ in which they take), the name `__proto__` and numbers that JavaScript rounds or writes otherwise are refused; so are
 * more than 64 levels.
 */
export function parseJson(text: string, what: string): unknown {
  let value: unknown;
  try {
    // Deleted, so that it is missing below.
    value = JSON.parse(text, (name, each: unknown) => (name === "__proto__" ? undefined : each));
  } catch {
    refuse(`${what} is not JSON`);
  }
  if (levels(text) > MAX_LEVELS) refuse(`${what} has more than ${MAX_LEVELS} levels`);
  const kept = text.replace(STRING_OR_SPACE, (token) =>
    token.startsWith('"') ? JSON.stringify(JSON.parse(token)) : "",
  );
  if (JSON.stringify(value) !== kept) {
    refuse(`${what} has a member twice, or a member or a number that JavaScript would not keep`);
  }
  return value;
}

function levels(text: string): number {
  let [open, most] = [0, 0];
  for (const [token] of text.matchAll(STRING_OR_BRACKET)) {
    if (token === "{" || token === "[") most = Math.max(most, ++open);
    else if (token === "}" || token === "]") open--;
  }
  return most;
}

export function serializeJson(value: unknown, what: string, limit: number): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value, null, 2);
  } catch {
    // A bigint, a cycle, a throwing getter.
  }
  if (text === undefined) refuse(`${what} cannot be written as JSON`);
  assertArgument(
    text.length < limit,
    `${what} is longer than ${limit} characters`,
    "value",
    `${text.length} characters`,
  );
  return `${text}\n`;
}

export function readObject(value: unknown, what: string): JsonObject {
  if (typeof value !== "object" || value === null || Array.isArray(value)) refuse(`${what} must be an object`);
  return value as JsonObject;
}

export function readArray(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) refuse(`${what} must be a list`);
  return value;
}

/** A field that another version may understand must not be ignored by one that does not. */
export function refuseOtherFields(value: JsonObject, known: readonly string[], what: string): void {
  const other = Object.keys(value).find((name) => !known.includes(name));
  if (other !== undefined) refuse(`${what}: unknown field ${quoteName(other.slice(0, 64))}`);
}

/** Text without control characters, not empty. */
export function readText(value: unknown, what: string, limit: number = MAX_TEXT): string {
  if (typeof value !== "string" || value.length === 0 || value.length > limit || UNPRINTABLE.test(value)) {
    refuse(`${what} must be a string of 1 to ${limit} characters, without control characters`);
  }
  return value;
}

/** RFC 4648, section 4, in its only canonical form; not empty. */
export function readBase64(value: unknown, what: string, length?: number): string {
  const bytes = typeof value === "string" && BASE64.test(value) ? decodeBase64(value) : undefined;
  if (bytes === undefined || bytes.length === 0 || encodeBase64(bytes) !== value) refuse(`${what} must be base64`);
  if (length !== undefined && bytes.length !== length) refuse(`${what} must be ${length} bytes in base64`);
  return value as string;
}

/** Lower-case hex, two digits a byte. */
export function readHex(value: unknown, what: string, length?: number): string {
  if (typeof value !== "string" || !/^0x[0-9a-f]*$/.test(value) || value.length % 2 !== 0)
    refuse(`${what} must be lower-case hex`);
  if (length !== undefined && value.length !== 2 + 2 * length) refuse(`${what} must be ${length} bytes`);
  return value;
}

/** A non-negative integer below 2^256 in decimal digits. */
export function readDecimal(value: unknown, what: string): string {
  if (typeof value !== "string" || !/^(0|[1-9][0-9]{0,77})$/.test(value) || BigInt(value) >> 256n !== 0n) {
    refuse(`${what} must be decimal digits, below 2^256`);
  }
  return value;
}

/** An address with the checksum of EIP-55. */
export function readAddress(value: unknown, what: string): string {
  if (typeof value !== "string" || !/^0x[0-9a-fA-F]{40}$/.test(value) || getAddress(value.toLowerCase()) !== value) {
    refuse(`${what} must be an address with its checksum`);
  }
  return value;
}

/** A time as Date.toISOString writes it. */
export function readMoment(value: unknown, what: string): string {
  const date = typeof value === "string" ? new Date(value) : new Date(Number.NaN);
  if (Number.isNaN(date.getTime()) || date.toISOString() !== value)
    refuse(`${what} must be a time as 2030-01-31T12:00:00.000Z`);
  return value;
}

/** ethers' INVALID_ARGUMENT without the text: it may be long, and it is not the caller's. */
export function refuse(message: string): never {
  assertArgument(false, message, "text", "[not shown]");
}
