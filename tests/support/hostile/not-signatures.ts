import { concat, hexlify, toBeHex } from "ethers";
import type { RawSignature } from "../../../src/core/signature.ts";
import { signatureToDer } from "../../../src/core/signature.ts";
import type { Expected } from "./hostile-case.ts";

type Make = (right: RawSignature) => unknown;

const INVALID = "BACKEND_RESPONSE_INVALID";

const WRONG_NUMBERS: readonly (readonly [string, (right: bigint) => unknown])[] = [
  ["a number", Number],
  ["a fraction", () => 0.5],
  ["NaN", () => Number.NaN],
  ["decimal text", String],
  ["hex", (right) => toBeHex(right, 32)],
  ["bytes", (right) => to32Bytes(right)],
  ["a BigInt object", Object],
  ["true", () => true],
  ["null", () => null],
  ["undefined", () => undefined],
  ["an object that turns into it", (right) => ({ valueOf: () => right, toString: () => `${right}` })],
];

/** What may come in place of an `{ r, s }` of bigints, made from the right one. */
export const notSignatures: readonly (readonly [string, Expected, Make])[] = [
  ...WRONG_NUMBERS.flatMap(([name, make]): [string, Expected, Make][] => [
    [`r as ${name}`, INVALID, ({ r, s }) => ({ r: make(r), s })],
    [`s as ${name}`, INVALID, ({ r, s }) => ({ r, s: make(s) })],
  ]),
  ["r alone", INVALID, ({ r }) => ({ r })],
  ["s alone", INVALID, ({ s }) => ({ s })],
  ["an empty object", INVALID, () => ({})],
  ["an array", INVALID, ({ r, s }) => [r, s]],
  ["a Map", INVALID, (right) => new Map(Object.entries(right))],
  ["a function", INVALID, (right) => () => right],
  ["compact bytes", INVALID, ({ r, s }) => Uint8Array.of(...to32Bytes(r), ...to32Bytes(s))],
  ["compact hex", INVALID, ({ r, s }) => concat([toBeHex(r, 32), toBeHex(s, 32)])],
  ["DER bytes", INVALID, signatureToDer],
  ["DER hex", INVALID, (right) => hexlify(signatureToDer(right))],
  ["a number", INVALID, () => 1],
  ["a bigint", INVALID, ({ r }) => r],
  ["an empty text", INVALID, () => ""],
  ["null", INVALID, () => null],
  ["undefined", INVALID, () => undefined],
  [
    "r and s with a wrong v, yParity and recovery",
    "accepted",
    (right) => ({ ...right, v: 27, yParity: 7, recovery: 3 }),
  ],
  ["r and s that are others once they were read", "accepted", readOnce],
];

function to32Bytes(value: bigint): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, index) => Number((value >> BigInt(8 * (31 - index))) & 0xffn));
}

/** The right numbers at the first look, and 1 after it: what was checked must be what is returned. */
function readOnce(right: RawSignature): RawSignature {
  const looks = { r: 0, s: 0 };
  return {
    get r() {
      return looks.r++ === 0 ? right.r : 1n;
    },
    get s() {
      return looks.s++ === 0 ? right.s : 1n;
    },
  };
}
