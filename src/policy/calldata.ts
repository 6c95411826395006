import { FunctionFragment } from "ethers";
import { argumentDecoder, type Fields } from "./abi.ts";

/** A function, and what calls of it begin with. */
export interface ContractFunction {
  readonly fragment: FunctionFragment;
  /** Four bytes, lower-case hex. */
  readonly selector: string;
  readonly decode: (hex: string) => Fields;
}

/**
 * Decodes the arguments of a call.
 *
 * @throws an error unless the calldata is the one encoding of its arguments.
 */
export function decodeArguments({ fragment, decode }: ContractFunction, data: string): Fields {
  try {
    return decode(data.slice(10));
  } catch (cause) {
    throw new Error(`the calldata of ${fragment.name} is not the encoding of its arguments`, { cause });
  }
}

/** Whether `data` begins with the function's selector. */
export function isCallOf({ selector }: ContractFunction, data: string): boolean {
  return data.startsWith(selector);
}

/** @throws ethers' INVALID_ARGUMENT. */
export function parseFunction(signature: string): ContractFunction {
  const fragment = FunctionFragment.from(signature.startsWith("function ") ? signature : `function ${signature}`);
  // ethers hashes the signature each time that it is asked for the selector.
  return { fragment, selector: fragment.selector, decode: argumentDecoder(fragment.inputs) };
}
