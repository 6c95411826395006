import { getAddress, type TypedDataDomain, type TypedDataField } from "ethers";
import { areTypesFew } from "../signer/type-graph.ts";
import { invalidParams } from "./errors.ts";
import { parseJson } from "./json.ts";
import {
  copyParams,
  isData,
  type JsonObject,
  parseAddress,
  parseArray,
  parseObject,
  presentEntries,
} from "./rpc-params.ts";

type Types = Readonly<Record<string, readonly TypedDataField[]>>;

/** Typed data as ethers' `signTypedData` takes it: no EIP712Domain, and only the types that the primary one needs. */
export interface ParsedTypedData {
  readonly domain: TypedDataDomain;
  readonly types: Record<string, TypedDataField[]>;
  readonly primaryType: string;
  /** Integers are bigint; addresses have the checksum of EIP-55. Members that no type declares are absent. */
  readonly message: JsonObject;
  /** The domain's chain, if it names one. */
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
/** The longest type, with its array dimensions: ethers looks at each type again for each dimension. */
const MAX_TYPE_LENGTH = 256;
const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;
/** EIP-712, "Definition of typed structured data": atomic and dynamic types. Solidity's `uint` and `int` are not among them. */
const ELEMENTARY =
  /^(address|bool|string|bytes([1-9]|[12]\d|3[0-2])?|u?int(8|16|24|32|40|48|56|64|72|80|88|96|104|112|120|128|136|144|152|160|168|176|184|192|200|208|216|224|232|240|248|256))$/;
/** Names that readers take for elementary types. */
const RESERVED = /^(address|bool|string|u?int\d*|bytes\d*)$/;
const ARRAY = /^(.*)\[(|[1-9]\d*)\]$/;
/** 2^256 has 78 decimal digits. */
const INTEGER = /^(-?\d{1,78}|0x[0-9a-f]{1,64})$/i;

/**
 * Reads the typed data of eth_signTypedData_v4 (EIP-712, "Specification of the eth_signTypedData JSON RPC"): an object, or its
 * JSON as a string. What it accepts has one digest, which ethers and viem both compute.
 *
 * - Each value must have its type. `bool`: true or false. Integers: safe numbers, bigint, or strings in decimal or 0x hex
 *   digits, within the type's range. `address`: 0x and 40 hex digits; a name is never resolved. `bytes` and `bytesN`: 0x hex
 *   digits, and N bytes. `string`: well-formed text. Fixed-size arrays have their size.
 * - Each declared field must be there. Members that no type declares are ignored, as wallets do.
 * - Types are declared or elementary; the aliases `uint` and `int` are refused. Names of structs and fields are identifiers.
 * - The domain must have exactly the fields that `EIP712Domain` declares, with the standard's types and order: ethers
 *   derives the domain's type from its fields. Circular types, and `EIP712Domain` as the primary type, are refused.
 * - In text, no object has a member twice.
 * - At most 100,000 values on 100 levels; struct types on at most 32 levels, with at most 1,000 ways from one to another.
 *
 * @throws ProviderRpcError -32602 that names the path, for example `message.recipients[0].amount`.
 */
export function parseTypedData(parameter: unknown): ParsedTypedData {
  const name = "the typed data";
  const value = typeof parameter === "string" ? parseJson(parameter, name) : parameter;
  const data = parseObject(copyParams(value, name), name);
  const types = parseTypes(data["types"]);
  const { primaryType } = data;
  if (typeof primaryType !== "string" || !Object.hasOwn(types, primaryType) || primaryType === DOMAIN) {
    throw invalidParams(`primaryType must be one of types, other than ${DOMAIN}`);
  }
  const domain: TypedDataDomain = readDomain(data["domain"], types);
  const message = readStruct(primaryType, data["message"], "message", types);
  const chainId = domain.chainId as bigint | undefined;
  return { domain, types: neededTypes(types, primaryType), primaryType, message, chainId };
}

function parseTypes(value: unknown): Types {
  const declared = parseObject(value, "types");
  const parseFields = (name: string): TypedDataField[] => {
    if (!isIdentifier(name) || RESERVED.test(name)) {
      throw invalidParams(`types.${JSON.stringify(name)} is not a name for a struct: use an identifier`);
    }
    const fields = parseArray(declared[name], `types.${name}`).map((field, index) =>
      parseField(field, `types.${name}[${index}]`, declared),
    );
    const names = fields.map((field) => field.name);
    const repeated = names.find((each, index) => names.indexOf(each) !== index);
    if (repeated !== undefined) throw invalidParams(`types.${name} declares the field ${repeated} twice`);
    return fields;
  };
  const types = Object.fromEntries(Object.keys(declared).map((name) => [name, parseFields(name)]));
  if (!areTypesFew(types)) throw invalidParams("types refer to each other in too many ways, or are circular");
  return types;
}

function parseField(value: unknown, path: string, declared: JsonObject): TypedDataField {
  const { name, type } = parseObject(value, path);
  if (typeof name !== "string" || !isIdentifier(name)) throw invalidParams(`${path}.name must be an identifier`);
  if (typeof type !== "string" || type.length > MAX_TYPE_LENGTH) {
    throw invalidParams(`${path}.type must be a string of at most ${MAX_TYPE_LENGTH} characters`);
  }
  const base = type.replace(/(\[([1-9]\d*)?\])+$/, "");
  if (base === "uint" || base === "int") {
    throw invalidParams(`${path}.type is ${type}, an alias that EIP-712 does not have: write ${base}256`);
  }
  if (!ELEMENTARY.test(base) && !Object.hasOwn(declared, base)) {
    throw invalidParams(`${path}.type is neither a type of EIP-712 nor one of types`);
  }
  return { name, type };
}

/** Assigning to __proto__, as readers of JSON do, would set an object's prototype. */
function isIdentifier(name: string): boolean {
  return IDENTIFIER.test(name) && name !== "__proto__";
}

function readDomain(value: unknown, types: Types): JsonObject {
  const declared = types[DOMAIN];
  if (!declared) throw invalidParams(`types must declare ${DOMAIN}`);
  const expected = DOMAIN_FIELDS.filter(({ name }) => declared.some((field) => field.name === name));
  if (JSON.stringify(declared) !== JSON.stringify(expected)) {
    throw invalidParams(`types.${DOMAIN} must have fields of EIP-712 only, with their types and in their order`);
  }
  const undeclared = presentEntries(parseObject(value, "domain")).find(
    ([name]) => !declared.some((field) => field.name === name),
  );
  if (undeclared) throw invalidParams(`domain.${undeclared[0]} is not a field that types.${DOMAIN} declares`);
  return readStruct(DOMAIN, value, "domain", types);
}

function readStruct(type: string, value: unknown, path: string, types: Types): JsonObject {
  const struct = parseObject(value, path);
  const fields = types[type] ?? [];
  const read = (field: TypedDataField) => {
    const member = Object.hasOwn(struct, field.name) ? struct[field.name] : undefined;
    return readValue(field.type, member, `${path}.${field.name}`, types);
  };
  return Object.fromEntries(fields.map((field) => [field.name, read(field)]));
}

function readValue(type: string, value: unknown, path: string, types: Types): unknown {
  if (value === undefined || value === null) throw invalidParams(`${path} is missing`);
  const [, element, size] = ARRAY.exec(type) ?? [];
  if (element !== undefined) {
    const values = parseArray(value, path);
    if (size && BigInt(size) !== BigInt(values.length)) throw invalidParams(`${path} must have ${size} elements`);
    return values.map((each, index) => readValue(element, each, `${path}[${index}]`, types));
  }
  return Object.hasOwn(types, type) ? readStruct(type, value, path, types) : readElementary(type, value, path);
}

function readElementary(type: string, value: unknown, path: string): unknown {
  if (type === "bool") {
    if (typeof value === "boolean") return value;
    throw invalidParams(`${path} must be true or false`);
  }
  if (type === "string") {
    // ethers refuses half of a surrogate pair, and viem replaces it.
    if (typeof value === "string" && !/\p{Surrogate}/u.test(value)) return value;
    throw invalidParams(`${path} must be a string of well-formed Unicode`);
  }
  if (type === "address") return getAddress(parseAddress(value, path));
  if (type.startsWith("bytes")) return readBytes(type, value, path);
  return readInteger(type, value, path);
}

function readBytes(type: string, value: unknown, path: string): string {
  const size = type.slice("bytes".length);
  const isSized = isData(value) && (size === "" || value.length === 2 + 2 * Number(size));
  if (isSized) return value.toLowerCase();
  const count = size === "" ? "two hex digits for each byte" : `${2 * Number(size)} hex digits`;
  throw invalidParams(`${path} must be "0x" and ${count}`);
}

function readInteger(type: string, value: unknown, path: string): bigint {
  const [, unsigned, bits] = /^(u?)int(\d+)$/.exec(type) ?? [];
  const isExact = typeof value === "bigint" || Number.isSafeInteger(value) || INTEGER.test(asText(value));
  if (!isExact) throw invalidParams(`${path} must be an integer: a safe number, or decimal or 0x hex digits`);
  const integer = BigInt(value as bigint | number | string);
  const inRange = unsigned ? BigInt.asUintN(Number(bits), integer) : BigInt.asIntN(Number(bits), integer);
  if (inRange !== integer) throw invalidParams(`${path} is out of the range of ${type}`);
  return integer;
}

function asText(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** ethers takes the one type that no other uses for the primary one, and so accepts no types beside it. */
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
