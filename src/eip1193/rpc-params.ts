import { getAddress } from "ethers";
import { snapshot } from "../signer/snapshot.ts";
import { invalidParams } from "./errors.ts";

export type JsonObject = Readonly<Record<string, unknown>>;

const QUANTITY = /^0x[0-9a-f]+$/i;
const DATA = /^0x([0-9a-f]{2})*$/i;
const ADDRESS = /^0x[0-9a-f]{40}$/i;
const WORD_DIGITS = 64;

/** A deep copy, of which each part was read once. @throws ProviderRpcError -32602 for what is circular, large or unreadable. */
export function copyParams<T>(value: T, name: string): T {
  try {
    return snapshot(value, name);
  } catch {
    throw invalidParams(`${name} cannot be copied: reading it throws, or it has over 100 levels or 100,000 values`);
  }
}

/** An object that is not an array, and not a promise. */
export function parseObject(value: unknown, name: string): JsonObject {
  const isPlain = typeof value === "object" && value !== null && !Array.isArray(value);
  if (isPlain && typeof (value as JsonObject)["then"] !== "function") return value as JsonObject;
  throw invalidParams(`${name} must be an object`);
}

export function parseArray(value: unknown, name: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw invalidParams(`${name} must be an array`);
}

/**
 * A QUANTITY (EIP-1474, "Value encoding") of at most 256 bits. As anvil does, it also accepts leading zeros and integers that
 * a JavaScript number holds exactly: both have one meaning only. Decimal strings could mean hex, and are refused.
 */
export function parseQuantity(value: unknown, name: string): bigint {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return BigInt(value);
  if (typeof value === "string" && QUANTITY.test(value)) {
    const digits = value.slice(2).replace(/^0+(?=.)/, "");
    if (digits.length <= WORD_DIGITS) return BigInt(`0x${digits}`);
  }
  throw invalidParams(`${name} must be a quantity: "0x" and hex digits, at most 256 bits`);
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

/** An address in lower case. An address in mixed case must have the checksum of EIP-55. */
export function parseAddress(value: unknown, name: string): string {
  if (typeof value !== "string" || !ADDRESS.test(value)) {
    throw invalidParams(`${name} must be an address: "0x" and 40 hex digits`);
  }
  try {
    return getAddress(value).toLowerCase();
  } catch {
    throw invalidParams(`${name} has a bad address checksum`);
  }
}

/** The entries of a JSON object that are neither null nor undefined: callers write both for an absent field. */
export function presentEntries(object: JsonObject): readonly [string, unknown][] {
  return Object.entries(object).filter(([, value]) => value !== undefined && value !== null);
}
