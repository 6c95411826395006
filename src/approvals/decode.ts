import {
  type FunctionFragment,
  formatUnits,
  getAddress,
  Interface,
  type Result,
  TypedDataEncoder,
  type TypedDataField,
} from "ethers";
import type { RequestContent } from "./content.ts";
import { type Descriptor, normalizePath, objectOf, resolveConstant } from "./descriptor.ts";
import { type FieldFormat, type Format, fieldAt, withIndices } from "./format.ts";
import type { Knowledge } from "./knowledge.ts";
import { type Leaf, leavesOfCall, leavesOfTypedData } from "./leaves.ts";
import { PERMIT2, PERMIT2_CALLS, STANDARD_CALLS, STANDARD_TYPED_DATA } from "./standard-formats.ts";

/** A call, or typed data, and what is known of its values: all of them, in their order. */
export interface Decoded {
  /** A function's signature without the parameters' names, or the primary type. */
  readonly signature: string;
  /** Why it is read so: what the approver may think of it. */
  readonly source: string;
  /** What a descriptor calls it: words of a third party. */
  readonly intent: string | undefined;
  readonly fields: readonly DecodedField[];
}

export interface DecodedField extends Leaf {
  readonly label: string | undefined;
  /** The value in words; undefined if it is shown as it is. */
  readonly meaning: Meaning | undefined;
  /** The call that these bytes are; null if it is not known; undefined if they are not declared to be one. */
  readonly call: Decoded | null | undefined;
}

/** Text of others is apart, so that it can be quoted. */
interface Meaning {
  readonly text: string;
  readonly foreign?: string | undefined;
  readonly unlimited?: boolean;
}

/** Where a call, or typed data, takes effect. */
interface Place {
  /** Decimal digits; undefined if none is named. */
  readonly chainId: string | undefined;
  /** The contract, with its checksum; undefined for typed data that names none. */
  readonly to: string | undefined;
}

/** A Safe in a Safe, and as much again. */
const MAX_CALLS = 4;
const MAX_DATE = 8_640_000_000_000n;

/** What a transaction's call or typed data mean; undefined for other content, and for what is not decoded. */
export function decodeContent(content: RequestContent, knowledge: Knowledge): Decoded | undefined {
  if (content.type === "typed-data") return decodeTypedData(content.types, content.message, content.domain, knowledge);
  if (content.type !== "transaction") return undefined;
  const { to, data, chainId } = content.decoded;
  return decodeCall(data, { to: to ?? undefined, chainId: chainId ?? undefined }, knowledge);
}

/**
 * Reads calldata: by the approver's descriptors and ABIs of that contract, else by the selectors of the standards. What does not encode to
 * the same bytes again is not decoded: ABI decoders are lenient, and contracts differ in what they accept.
 */
function decodeCall(data: string, place: Required<Place>, knowledge: Knowledge, depth = 1): Decoded | undefined {
  if (place.to === undefined || depth > MAX_CALLS || data.length < 10) return undefined;
  for (const { format, source, descriptor } of callFormats(data, place, knowledge)) {
    const values = format.fragment && decodeExactly(format.fragment, data);
    if (!format.fragment || !values) continue;
    const leaves = leavesOfCall(format.fragment.inputs, values);
    const context = { ...place, knowledge, depth, leaves, descriptor };
    return {
      ...{ signature: format.fragment.format("sighash"), source, intent: format.intent },
      fields: leaves.map((leaf) => decodeField(leaf, fieldAt(format.fields, leaf.path), context)),
    };
  }
  return undefined;
}

/** Reads typed data in its canonical JSON: names and formats by descriptors of its contract, or of the standards. */
function decodeTypedData(
  types: Readonly<Record<string, readonly TypedDataField[]>>,
  message: unknown,
  domain: Readonly<Record<string, string>>,
  knowledge: Knowledge,
): Decoded {
  const encoder = TypedDataEncoder.from(types as Record<string, TypedDataField[]>);
  const { primaryType } = encoder;
  const encodedType = encoder.encodeType(primaryType);
  const { chainId, verifyingContract } = domain;
  const to = verifyingContract === undefined ? undefined : getAddress(verifyingContract);
  const place = { chainId, to };
  const bound = knowledge.descriptors.filter((each) => each.kind === "eip712" && isOf(each, place, domain));
  const candidates = [
    ...bound.flatMap((descriptor) =>
      descriptor.formats.map((format) => ({ format, source: "your descriptor", descriptor })),
    ),
    ...STANDARD_TYPED_DATA.map((format) => ({ format, source: "its type", descriptor: undefined })),
  ];
  const found = candidates.find(({ format }) => format.encodedType === encodedType);
  const leaves = leavesOfTypedData(types, primaryType, message);
  const context = { ...place, knowledge, depth: 0, leaves, descriptor: found?.descriptor };
  return {
    ...{ signature: primaryType, source: found?.source ?? "its own words", intent: found?.format.intent },
    fields: leaves.map((leaf) => decodeField(leaf, fieldAt(found?.format.fields ?? [], leaf.path), context)),
  };
}

interface Candidate {
  readonly format: Format;
  readonly source: string;
  readonly descriptor: Descriptor | undefined;
}

function callFormats(data: string, place: Place, knowledge: Knowledge): readonly Candidate[] {
  const selector = data.slice(0, 10);
  const { to = "" } = place;
  const abi = knowledge.abiOf(to)?.getFunction(selector);
  const candidates: readonly Candidate[] = [
    ...knowledge.descriptors
      .filter((each) => each.kind === "contract" && isOf(each, place, {}))
      .flatMap((descriptor) => descriptor.formats.map((format) => ({ format, source: "your descriptor", descriptor }))),
    ...(abi ? [{ format: byAbi(abi), source: "your ABI", descriptor: undefined }] : []),
    ...(to === PERMIT2 ? PERMIT2_CALLS.map((format) => ({ format, source: "Permit2", descriptor: undefined })) : []),
    ...STANDARD_CALLS.flatMap(({ standard, formats }) =>
      formats.map((format) => ({ format, source: `${standard} by its selector`, descriptor: undefined })),
    ),
  ];
  return candidates.filter(({ format }) => format.fragment?.selector === selector);
}

/** An ABI names the parameters, and nothing more. */
function byAbi(fragment: FunctionFragment): Format {
  return { fragment, encodedType: undefined, intent: undefined, fields: [] };
}

function isOf(
  { deployments, domain }: Descriptor,
  { chainId, to }: Place,
  own: Readonly<Record<string, string>>,
): boolean {
  return (
    deployments.has(`${chainId}:${to}`) && Object.entries(domain).every(([name, value]) => isSame(own[name], value))
  );
}

function isSame(own: string | undefined, value: unknown): boolean {
  return own !== undefined && own.toLowerCase() === `${value}`.toLowerCase();
}

function decodeExactly(fragment: FunctionFragment, data: string): Result | undefined {
  try {
    const abi = new Interface([fragment]);
    const values = abi.decodeFunctionData(fragment, data);
    return abi.encodeFunctionData(fragment, values) === data ? values : undefined;
  } catch {
    return undefined;
  }
}

interface FieldContext extends Place {
  readonly knowledge: Knowledge;
  readonly depth: number;
  readonly leaves: readonly Leaf[];
  readonly descriptor: Descriptor | undefined;
}

function decodeField(leaf: Leaf, field: FieldFormat | undefined, context: FieldContext): DecodedField {
  const name = leaf.type === "address" ? context.knowledge.nameOf(`${leaf.value}`) : undefined;
  const plain = { ...leaf, label: field?.label, call: undefined };
  if (name !== undefined) return { ...plain, meaning: { text: "", foreign: name } };
  if (field?.format === "calldata" && leaf.type === "bytes" && leaf.value !== "0x") {
    const to = addressAt(field.params["calleePath"], leaf, context) ?? addressIn(field.params["callee"], context);
    const call = decodeCall(`${leaf.value}`, { chainId: context.chainId, to }, context.knowledge, context.depth + 1);
    return { ...plain, meaning: undefined, call: call ?? null };
  }
  return { ...plain, meaning: field === undefined ? undefined : meaningOf(leaf, field, context) };
}

function meaningOf(leaf: Leaf, { format, params }: FieldFormat, context: FieldContext): Meaning | undefined {
  const { value } = leaf;
  const root = context.descriptor?.root ?? {};
  if (format === "enum") {
    const word = objectOf(resolveConstant(params["$ref"], root))[`${value}`];
    return typeof word === "string" ? { text: "", foreign: word } : undefined;
  }
  if (typeof value !== "bigint" || value < 0n) return undefined;
  if (format === "amount") return { text: `${formatUnits(value, "ether")} ETH` };
  if (format === "date") return value <= MAX_DATE && params["encoding"] !== "blockheight" ? dateOf(value) : undefined;
  return format === "tokenAmount" ? tokenAmount(value, params, leaf, context, root) : undefined;
}

function dateOf(seconds: bigint): Meaning {
  return { text: new Date(Number(seconds) * 1_000).toISOString() };
}

function tokenAmount(
  value: bigint,
  params: FieldFormat["params"],
  leaf: Leaf,
  context: FieldContext,
  root: Readonly<Record<string, unknown>>,
): Meaning | undefined {
  const threshold = readInteger(resolveConstant(params["threshold"], root));
  if (threshold !== undefined && value >= threshold) {
    const { message } = params;
    return { text: "unlimited", foreign: typeof message === "string" ? message : undefined, unlimited: true };
  }
  const address = addressAt(params["tokenPath"], leaf, context) ?? addressIn(params["token"], context);
  const token = address === undefined ? undefined : context.knowledge.tokenAt(context.chainId, address);
  return token === undefined ? undefined : { text: formatUnits(value, token.decimals), foreign: token.ticker };
}

function addressAt(path: unknown, leaf: Leaf, { leaves, to }: FieldContext): string | undefined {
  if (path === "@.to") return to;
  if (typeof path !== "string") return undefined;
  const place = withIndices(normalizePath(path), leaf.path);
  const found = leaves.find((each) => each.path === place && each.type === "address");
  return found && `${found.value}`;
}

function addressIn(value: unknown, { descriptor }: FieldContext): string | undefined {
  const found = resolveConstant(value, descriptor?.root ?? {});
  return typeof found === "string" && /^0x[\da-f]{40}$/i.test(found) ? getAddress(found.toLowerCase()) : undefined;
}

function readInteger(value: unknown): bigint | undefined {
  const isInteger = typeof value === "number" ? Number.isSafeInteger(value) : /^(0x[\da-f]+|\d+)$/i.test(`${value}`);
  return isInteger ? BigInt(value as string | number) : undefined;
}
