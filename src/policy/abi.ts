import { assertArgument, type ParamType, toUtf8String } from "ethers";
import { checksumAddress } from "../signer/checksum.ts";
import type { TypedDataValue } from "../signer/sign-request.ts";

/** Fields by name, or by position if they have none. */
export type Fields = { readonly [name: string]: TypedDataValue };

/** A type of the contract ABI: https://docs.soliditylang.org/en/latest/abi-spec.html#formal-specification-of-the-encoding. */
interface Type {
  /** Its characters in the head: all of a static type, the offset of a dynamic one. */
  readonly head: number;
  readonly isDynamic: boolean;
  /** @throws an error unless its one encoding begins at this character. */
  read(hex: string, at: number): Read;
}

interface Read {
  readonly value: TypedDataValue;
  /** Where it ends, in characters. */
  readonly end: number;
}

/** Characters of 32 bytes. */
const WORD = 64;

/**
 * A decoder of arguments that accepts their one encoding, that of Solidity's and ethers' encoders. ethers' decoder also accepts trailing bytes, moved and shared
 * offsets and unclean padding, which a contract may read otherwise.
 *
 * @returns a function of lower-case hex without 0x, which throws an error for anything else.
 */
export function argumentDecoder(types: readonly ParamType[]): (hex: string) => Fields {
  const { read } = tuple(types);
  return (hex) => {
    const { value, end } = read(hex, 0);
    if (end !== hex.length) throw new Error("bytes follow the arguments");
    return value as Fields;
  };
}

function typeOf(param: ParamType): Type {
  if (param.isTuple()) return tuple(param.components);
  if (param.isArray()) return array(typeOf(param.arrayChildren), param.arrayLength);
  if (param.type === "bytes") return { head: WORD, isDynamic: true, read: readBytes };
  if (param.type === "string") return { head: WORD, isDynamic: true, read: readString };
  const readValue = wordReader(param.type);
  return { head: WORD, isDynamic: false, read: (hex, at) => ({ value: readValue(hex, at), end: at + WORD }) };
}

function tuple(params: readonly ParamType[]): Type {
  const types = params.map(typeOf);
  const names = params.map(({ name }, index) => name || `${index}`);
  const isDynamic = types.some((type) => type.isDynamic);
  return {
    head: isDynamic ? WORD : headOf(types),
    isDynamic,
    read: (hex, at) => {
      const { values, end } = readSequence(types, hex, at);
      return { value: Object.fromEntries(names.map((name, index) => [name, values[index] as TypedDataValue])), end };
    },
  };
}

/** @param length -1: it is in the encoding. */
function array(element: Type, length: number): Type {
  const isDynamic = length === -1 || element.isDynamic;
  return {
    head: isDynamic ? WORD : length * element.head,
    isDynamic,
    read: (hex, at) => {
      const start = length === -1 ? at + WORD : at;
      const count = length === -1 ? readLength(hex, at) : length;
      if (count * Math.max(element.head, WORD) > hex.length - start) throw tooShort();
      const { values, end } = readSequence(new Array<Type>(count).fill(element), hex, start);
      return { value: values, end };
    },
  };
}

function headOf(types: readonly Type[]): number {
  return types.reduce((sum, { head }) => sum + head, 0);
}

/** Static values are in the head. Of dynamic ones it has the offset, and they follow it in their order, without a gap. */
function readSequence(types: readonly Type[], hex: string, start: number) {
  let at = start;
  let end = start + headOf(types);
  const values = types.map((type) => {
    if (type.isDynamic && 2 * readLength(hex, at) !== end - start) throw new Error("an offset is not in its place");
    const read = type.read(hex, type.isDynamic ? end : at);
    at += type.head;
    if (type.isDynamic) end = read.end;
    return read.value;
  });
  return { values, end };
}

function readBytes(hex: string, at: number): Read {
  const start = at + WORD;
  const stop = start + 2 * readLength(hex, at);
  const end = start + Math.ceil((stop - start) / WORD) * WORD;
  if (end > hex.length) throw tooShort();
  requireZeros(hex.slice(stop, end));
  return { value: `0x${hex.slice(start, stop)}`, end };
}

function readString(hex: string, at: number): Read {
  const { value, end } = readBytes(hex, at);
  return { value: toUtf8String(value as string), end };
}

/** Reads a value of 32 bytes. */
function wordReader(type: string): (hex: string, at: number) => TypedDataValue {
  const [, name, size = "256"] = /^(address|bool|u?int|bytes)(\d*)$/.exec(type) ?? [];
  const bits = Number(size);
  switch (name) {
    case "address":
      return (hex, at) => {
        const word = readWord(hex, at);
        requireZeros(word.slice(0, 24));
        return checksumAddress(`0x${word.slice(24)}`);
      };
    case "bool":
      return (hex, at) => requireSame(readInteger(hex, at), (word) => BigInt.asUintN(1, word)) === 1n;
    case "uint":
      return (hex, at) => requireSame(readInteger(hex, at), (word) => BigInt.asUintN(bits, word));
    case "int":
      return (hex, at) =>
        requireSame(BigInt.asIntN(256, readInteger(hex, at)), (integer) => BigInt.asIntN(bits, integer));
    case "bytes":
      return (hex, at) => {
        const word = readWord(hex, at);
        requireZeros(word.slice(2 * bits));
        return `0x${word.slice(0, 2 * bits)}`;
      };
    default:
      assertArgument(false, "it is not a type of the contract ABI", "type", type);
  }
}

function readWord(hex: string, at: number): string {
  const word = hex.slice(at, at + WORD);
  if (word.length < WORD) throw tooShort();
  return word;
}

function readInteger(hex: string, at: number): bigint {
  return BigInt(`0x${readWord(hex, at)}`);
}

/** A length above 2^53 is not exact, and beyond any calldata. */
function readLength(hex: string, at: number): number {
  return Number(readInteger(hex, at));
}

function requireSame(value: bigint, cut: (value: bigint) => bigint): bigint {
  if (cut(value) !== value) throw new Error("an integer does not fit its type");
  return value;
}

function requireZeros(padding: string): void {
  if (!/^0*$/.test(padding)) throw new Error("the padding is not zero");
}

function tooShort(): Error {
  return new Error("the arguments end too early");
}
