import { getBigInt, type TypedDataDomain, TypedDataEncoder, type TypedDataField } from "ethers";
import { areTypesFew } from "../signer/type-graph.ts";
import { invalidParams } from "./rpc-error.ts";
import { type JsonObject, parseAddress, parseArray, parseObject, presentEntries } from "./rpc-values.ts";

type Types = Readonly<Record<string, readonly TypedDataField[]>>;

/** Typed data in ethers' words: without EIP712Domain, and with no type that the primary one does not need. */
export interface ParsedTypedData {
  readonly domain: TypedDataDomain;
  readonly types: Record<string, TypedDataField[]>;
  readonly message: JsonObject;
  /** The domain's chain, where it names one. */
  readonly chainId: bigint | undefined;
}

/** EIP-712, "Definition of domainSeparator": the fields that a domain may have, in their order. */
const DOMAIN_FIELDS: readonly TypedDataField[] = [
  { name: "name", type: "string" },
  { name: "version", type: "string" },
  { name: "chainId", type: "uint256" },
  { name: "verifyingContract", type: "address" },
  { name: "salt", type: "bytes32" },
];
const DOMAIN = "EIP712Domain";
/** The longest name of a type, dimensions of lists included: ethers looks at each of them again for each dimension. */
const MAX_TYPE_LENGTH = 256;

/**
 * Reads the typed data of eth_signTypedData_v4 (EIP-712, "Specification of the eth_signTypedData JSON RPC"): an object, or its
 * JSON as a string.
 *
 * The domain must have exactly the fields that `EIP712Domain` declares, of the standard's types and in its order: ethers
 * derives the domain's type from its fields, and would sign something else for another declaration. Circular types and
 * `EIP712Domain` as the primary type are refused.
 */
export function parseTypedData(parameter: unknown): ParsedTypedData {
  const data = parseObject(typeof parameter === "string" ? parseJson(parameter) : parameter, "the typed data");
  const types = parseTypes(data["types"]);
  const { primaryType } = data;
  if (typeof primaryType !== "string" || !Object.hasOwn(types, primaryType) || primaryType === DOMAIN) {
    throw invalidParams(`primaryType must be one of types, other than ${DOMAIN}`);
  }
  const domain = parseDomain(data["domain"], types);
  const needed = neededTypes(types, primaryType);
  const message = parseObject(data["message"], "message");
  checkFit(domain, needed, message);
  const chainId = domain.chainId == null ? undefined : getBigInt(domain.chainId);
  return { domain, types: needed, message, chainId };
}

/** Also refuses names in place of addresses: the signer would resolve them, and sign what the caller never saw. */
function checkFit(domain: TypedDataDomain, types: Record<string, TypedDataField[]>, message: JsonObject): void {
  try {
    TypedDataEncoder.hash(domain, types, message);
  } catch (error) {
    const { shortMessage } = error as { shortMessage?: string };
    throw invalidParams(`the typed data does not fit its types${shortMessage ? `: ${shortMessage}` : ""}`);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw invalidParams("the typed data is neither an object nor JSON");
  }
}

function parseTypes(value: unknown): Types {
  const entries = Object.entries(parseObject(value, "types"));
  const types = Object.fromEntries(
    entries.map(([name, fields]) => [name, parseArray(fields, `types.${name}`).map(parseField)]),
  );
  if (!areTypesFew(types)) throw invalidParams("types refer to each other in too many ways, or are circular");
  return types;
}

function parseField(value: unknown): TypedDataField {
  const { name, type } = parseObject(value, "a field of types");
  if (typeof name !== "string" || typeof type !== "string") {
    throw invalidParams("a field of types must have a name and a type");
  }
  if (type.length > MAX_TYPE_LENGTH) throw invalidParams(`a type's name has more than ${MAX_TYPE_LENGTH} characters`);
  return { name, type };
}

function parseDomain(value: unknown, types: Types): TypedDataDomain {
  const declared = types[DOMAIN];
  if (!declared) throw invalidParams(`types must declare ${DOMAIN}`);
  const expected = DOMAIN_FIELDS.filter(({ name }) => declared.some((field) => field.name === name));
  if (JSON.stringify(declared) !== JSON.stringify(expected)) {
    throw invalidParams(`${DOMAIN} must consist of the fields of EIP-712, with their types and in their order`);
  }
  const entries = presentEntries(parseObject(value, "domain"));
  const names = entries.map(([name]) => name);
  if (names.length !== expected.length || !expected.every(({ name }) => names.includes(name))) {
    throw invalidParams(`domain must have exactly the fields that ${DOMAIN} declares`);
  }
  return Object.fromEntries(entries.map(([name, field]) => [name, parseDomainField(name, field)]));
}

function parseDomainField(name: string, value: unknown): unknown {
  if (name === "verifyingContract") return parseAddress(value, "domain.verifyingContract");
  if (name !== "chainId") return value;
  try {
    return getBigInt(value as string | number);
  } catch {
    throw invalidParams("domain.chainId must be a number, or one in decimal or hex digits");
  }
}

/** ethers takes the one type that no other uses for the primary one, and so no types beside it. */
function neededTypes(types: Types, primaryType: string): Record<string, TypedDataField[]> {
  const needed: Record<string, TypedDataField[]> = {};
  const visit = (name: string) => {
    const fields = Object.hasOwn(types, name) ? types[name] : undefined;
    if (!fields || Object.hasOwn(needed, name)) return;
    needed[name] = [...fields];
    for (const { type } of fields) visit(type.replace(/(\[\d*\])+$/, ""));
  };
  visit(primaryType);
  return needed;
}
