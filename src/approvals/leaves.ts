import { getAddress, type ParamType, type Result, type TypedDataField } from "ethers";

/** One value of a call's parameters or of typed data. */
export interface Leaf {
  /** As `orders[0].amount`; a parameter without a name is its position. */
  readonly path: string;
  /** An elementary type of Solidity. */
  readonly type: string;
  /** Integers as bigint, addresses with the checksum of EIP-55, bytes as lower-case hex. */
  readonly value: bigint | string | boolean;
}

/** The values of a call, in the order of its parameters. */
export function leavesOfCall(inputs: readonly ParamType[], values: Result, prefix = ""): readonly Leaf[] {
  return inputs.flatMap((input, index) => leavesOfParameter(input, values[index], `${prefix}${input.name || index}`));
}

function leavesOfParameter(input: ParamType, value: unknown, path: string): readonly Leaf[] {
  if (input.isArray()) {
    // Result.flatMap would make Results of the leaves.
    const items: readonly unknown[] = (value as Result).toArray();
    if (items.length === 0) return [{ path, type: input.type, value: "an empty list" }];
    return items.flatMap((each, index) => leavesOfParameter(input.arrayChildren, each, `${path}[${index}]`));
  }
  if (input.isTuple()) return leavesOfCall(input.components, value as Result, `${path}.`);
  return [{ path, type: input.type, value: value as Leaf["value"] }];
}

/** The values of typed data whose message is in canonical JSON. */
export function leavesOfTypedData(
  types: Readonly<Record<string, readonly TypedDataField[]>>,
  type: string,
  value: unknown,
  path = "",
): readonly Leaf[] {
  if (type.endsWith("]")) {
    const element = type.slice(0, type.lastIndexOf("["));
    return (value as readonly unknown[]).flatMap((each, index) =>
      leavesOfTypedData(types, element, each, `${path}[${index}]`),
    );
  }
  const fields = types[type];
  if (fields === undefined) return [{ path, type, value: readValue(type, value) }];
  const object = value as Readonly<Record<string, unknown>>;
  return fields.flatMap(({ name, type: each }) =>
    leavesOfTypedData(types, each, object[name], path === "" ? name : `${path}.${name}`),
  );
}

function readValue(type: string, value: unknown): Leaf["value"] {
  if (/^u?int/.test(type)) return BigInt(value as string);
  return type === "address" ? getAddress(value as string) : (value as string | boolean);
}
