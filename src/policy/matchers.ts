import { assertArgument, isHexString } from "ethers";
import type { TypedDataValue } from "../signer/sign-request.ts";
import type { Json } from "./description.ts";

/** What a decoded argument or field must be. `oneOf`, `atMost`, `atLeast` and `each` make them. */
export interface Matcher {
  /** What it is in the policy's description. */
  readonly description: Json;
  /**
   * Whether the value is as expected.
   *
   * @throws an error for a value of another type than the matcher is for: the request is denied then.
   */
  matches(value: TypedDataValue): boolean;
}

/** A matcher, one exact value, or the fields of a struct that are looked at. Integers may be numbers up to 2^53 - 1. */
export type Expected = Matcher | bigint | number | string | boolean | { readonly [name: string]: Expected };

/** Any of these values. Addresses and bytes are compared as hex, in any case. */
export function oneOf(...values: readonly (bigint | number | string | boolean)[]): Matcher {
  assertArgument(values.length > 0, "pass at least one value", "values", values);
  const matchers = values.map(toMatcher);
  return {
    description: { oneOf: matchers.map(({ description }) => description) },
    matches: (value) => matchers.some((each) => each.matches(value)),
  };
}

/** An integer of at most `limit`, in the argument's own unit. */
export function atMost(limit: bigint | number): Matcher {
  const most = toInteger(limit, "limit");
  return { description: { atMost: `${most}` }, matches: (value) => requireInteger(value) <= most };
}

/** An integer of at least `limit`, in the argument's own unit. */
export function atLeast(limit: bigint | number): Matcher {
  const least = toInteger(limit, "limit");
  return { description: { atLeast: `${least}` }, matches: (value) => requireInteger(value) >= least };
}

/** An array of which each element is as expected; also an empty one. */
export function each(expected: Expected): Matcher {
  const matcher = toMatcher(expected);
  return {
    description: { each: matcher.description },
    matches: (value) => {
      if (!Array.isArray(value)) throw new Error("each() needs an array");
      return value.every((element: TypedDataValue) => matcher.matches(element));
    },
  };
}

/** @throws ethers' INVALID_ARGUMENT for what cannot be compared exactly. */
export function toMatcher(expected: Expected): Matcher {
  if (typeof expected === "string") return { description: expected, matches: (value) => isSameText(value, expected) };
  if (typeof expected === "boolean")
    return { description: expected, matches: (value) => requireBoolean(value) === expected };
  if (typeof expected !== "object") {
    const integer = toInteger(expected, "value");
    return { description: `${integer}`, matches: (value) => requireInteger(value) === integer };
  }
  return isMatcher(expected) ? expected : struct(expected);
}

function isMatcher(expected: object): expected is Matcher {
  return "matches" in expected && typeof expected.matches === "function";
}

/** @returns a matcher of the named fields; a value without one of them fails. */
function struct(fields: { readonly [name: string]: Expected }): Matcher {
  const matchers = Object.entries(fields).map(([name, expected]) => [name, toMatcher(expected)] as const);
  return {
    description: Object.fromEntries(matchers.map(([name, { description }]) => [name, description])),
    matches: (value) =>
      matchers.every(([name, matcher]) => {
        const field = typeof value === "object" && Object.hasOwn(value, name) ? Reflect.get(value, name) : undefined;
        if (field === undefined) throw new Error(`there is no field ${name}`);
        return matcher.matches(field);
      }),
  };
}

/** An integer without a loss. @throws ethers' INVALID_ARGUMENT for a number beyond 2^53 - 1. */
export function toInteger(value: bigint | number, name: string): bigint {
  const isExact = typeof value === "bigint" || Number.isSafeInteger(value);
  assertArgument(isExact, `${name} must be a bigint, or an integer number up to 2^53 - 1`, name, value);
  return BigInt(value);
}

function requireInteger(value: TypedDataValue): bigint {
  if (typeof value !== "bigint") throw new Error("an integer is compared with a value that is not one");
  return value;
}

function requireBoolean(value: TypedDataValue): boolean {
  if (typeof value !== "boolean") throw new Error("a boolean is compared with a value that is not one");
  return value;
}

function isSameText(value: TypedDataValue, expected: string): boolean {
  if (typeof value !== "string") throw new Error("a string is compared with a value that is not one");
  const areHex = isHexString(value) && isHexString(expected);
  return areHex ? value.toLowerCase() === expected.toLowerCase() : value === expected;
}
