import { getAddress } from "ethers";
import { invalidParams } from "./rpc-error.ts";

export type JsonObject = Readonly<Record<string, unknown>>;

const QUANTITY = /^0x(0|[1-9a-f][0-9a-f]*)$/i;
const DATA = /^0x([0-9a-f]{2})*$/i;
const ADDRESS = /^0x[0-9a-f]{40}$/i;
const WORD_DIGITS = 64;

/** An object that is no array. */
export function parseObject(value: unknown, name: string): JsonObject {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as JsonObject;
  throw invalidParams(`${name} must be an object`);
}

export function parseArray(value: unknown, name: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw invalidParams(`${name} must be an array`);
}

/** A QUANTITY (EIP-1474, "Value encoding"): hex without leading zeros, of at most 256 bits. No JSON number. */
export function parseQuantity(value: unknown, name: string): bigint {
  if (typeof value === "string" && QUANTITY.test(value) && value.length <= WORD_DIGITS + 2) return BigInt(value);
  throw invalidParams(`${name} must be a quantity: "0x" and hex digits without leading zeros, at most 256 bits`);
}

/** A QUANTITY that fits a JavaScript number. */
export function parseNumber(value: unknown, name: string): number {
  const number = Number(parseQuantity(value, name));
  if (Number.isSafeInteger(number)) return number;
  throw invalidParams(`${name} is too large`);
}

/** DATA (EIP-1474, "Value encoding"): hex, two digits a byte. */
export function parseData(value: unknown, name: string): string {
  if (isData(value)) return value;
  throw invalidParams(`${name} must be data: "0x" and two hex digits for each byte`);
}

export function isData(value: unknown): value is string {
  return typeof value === "string" && DATA.test(value);
}

/** DATA of exactly 32 bytes. */
export function parseWord(value: unknown, name: string): string {
  const data = parseData(value, name);
  if (data.length === WORD_DIGITS + 2) return data;
  throw invalidParams(`${name} must be 32 bytes`);
}

/** An address in lower case. Where it is given in mixed case, the checksum of EIP-55 must be right. */
export function parseAddress(value: unknown, name: string): string {
  if (typeof value !== "string" || !ADDRESS.test(value)) throw invalidParams(`${name} must be an address`);
  try {
    return getAddress(value).toLowerCase();
  } catch {
    throw invalidParams(`${name} has a bad address checksum`);
  }
}

/** The entries of a JSON object that say something: both null and undefined are as good as absent. */
export function presentEntries(object: JsonObject): readonly [string, unknown][] {
  return Object.entries(object).filter(([, value]) => value !== undefined && value !== null);
}
