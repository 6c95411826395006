import { AbiCoder, FunctionFragment, type ParamType } from "ethers";
import type { TypedDataValue } from "../signer/sign-request.ts";

/** A function, and the first four bytes of calls of it. */
export interface ContractFunction {
  readonly fragment: FunctionFragment;
  readonly selector: string;
}

/** The arguments by name, or by position if they have none. */
export type Arguments = { readonly [name: string]: TypedDataValue };

const coder = AbiCoder.defaultAbiCoder();

/**
 * Decodes calldata after the selector, strictly: ethers accepts trailing bytes, moved offsets and unclean padding, a contract may read them
 * otherwise. So the arguments are encoded again and compared.
 *
 * @throws an error unless the calldata is the one encoding of its arguments.
 */
export function decodeArguments({ fragment }: ContractFunction, data: string): Arguments {
  const { inputs, name } = fragment;
  const encoded = `0x${data.slice(10)}`;
  const values = coder.decode(inputs, encoded);
  if (coder.encode(inputs, values) !== encoded)
    throw new Error(`the calldata of ${name} is not the encoding of its arguments`);
  return toFields(inputs, values.toArray());
}

function toFields(types: readonly ParamType[], values: readonly unknown[]): Arguments {
  return Object.fromEntries(types.map((type, index) => [type.name || `${index}`, toValue(type, values[index])]));
}

function toValue(type: ParamType, value: unknown): TypedDataValue {
  if (type.isArray()) return Array.from(value as Iterable<unknown>, (element) => toValue(type.arrayChildren, element));
  if (type.isTuple()) return toFields(type.components, Array.from(value as Iterable<unknown>));
  return value as bigint | string | boolean;
}

/** Whether `data` begins with the function's selector. */
export function isCallOf({ selector }: ContractFunction, data: string): boolean {
  return data.startsWith(selector);
}

/** @throws ethers' INVALID_ARGUMENT. */
export function parseFunction(signature: string): ContractFunction {
  const fragment = FunctionFragment.from(signature.startsWith("function ") ? signature : `function ${signature}`);
  // ethers hashes the signature each time that it is asked for the selector.
  return { fragment, selector: fragment.selector };
}
