import { type AccessListEntry, type Authorization, Signature, toBeHex } from "ethers";
import { invalidParams, ProviderRpcError, RPC_CODES } from "./errors.ts";
import {
  type JsonObject,
  parseAddress,
  parseArray,
  parseData,
  parseNumber,
  parseObject,
  parseQuantity,
  parseWord,
  presentEntries,
} from "./rpc-params.ts";

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/** A transaction as a caller asked for it, in ethers' words. What it left out is absent. */
export interface ParsedTransaction {
  /** In lower case. */
  readonly from: string;
  readonly to?: string;
  readonly type?: number;
  readonly nonce?: number;
  readonly gasLimit?: bigint;
  readonly gasPrice?: bigint;
  readonly maxFeePerGas?: bigint;
  readonly maxPriorityFeePerGas?: bigint;
  readonly value?: bigint;
  readonly data?: string;
  readonly chainId?: bigint;
  readonly accessList?: AccessListEntry[];
  readonly authorizationList?: Authorization[];
}

type Draft = Partial<Writable<ParsedTransaction>>;
type Field = readonly [property: keyof ParsedTransaction, parse: (value: unknown, name: string) => unknown];

const BLOB_FIELDS = ["blobs", "blobVersionedHashes", "commitments", "maxFeePerBlobGas", "proofs", "sidecars"];

const DATA: Field = ["data", (value, name) => parseData(value, name).toLowerCase()];

const FIELDS: Readonly<Record<string, Field>> = {
  from: ["from", parseAddress],
  to: ["to", parseAddress],
  type: ["type", parseNumber],
  nonce: ["nonce", parseNumber],
  gas: ["gasLimit", parseQuantity],
  gasPrice: ["gasPrice", parseQuantity],
  maxFeePerGas: ["maxFeePerGas", parseQuantity],
  maxPriorityFeePerGas: ["maxPriorityFeePerGas", parseQuantity],
  value: ["value", parseQuantity],
  data: DATA,
  input: DATA,
  chainId: ["chainId", parseQuantity],
  accessList: ["accessList", (value, name) => parseArray(value, name).map(parseAccess)],
  authorizationList: ["authorizationList", (value, name) => parseArray(value, name).map(parseAuthorization)],
};

/**
 * Reads the transaction object of eth_sendTransaction and eth_signTransaction (execution-apis, GenericTransaction).
 *
 * Nothing is guessed: a field that is unknown, malformed or contradicts another is -32602. As geth reads it, `gasPrice` makes a
 * transaction of type 0, or 1 with an access list. Blob transactions (EIP-4844) are not taken: 4200.
 */
export function parseTransaction(value: unknown): ParsedTransaction {
  const draft = readFields(parseObject(value, "the transaction"));
  const { from, to, data, gasPrice } = draft;
  if (from === undefined) throw invalidParams("the transaction's from is missing");
  if (to === undefined && (data === undefined || data === "0x")) {
    throw invalidParams("a transaction without to creates a contract, and needs its code as data");
  }
  if (draft.type === undefined && draft.authorizationList) draft.type = 4;
  if (draft.type === undefined && gasPrice !== undefined) draft.type = draft.accessList ? 1 : 0;
  checkType(draft);
  return { ...draft, from };
}

function readFields(object: JsonObject): Draft {
  const draft: Record<string, unknown> = {};
  for (const [name, value] of presentEntries(object)) {
    if (BLOB_FIELDS.includes(name)) throw blobsUnsupported();
    const field = Object.hasOwn(FIELDS, name) ? FIELDS[name] : undefined;
    if (!field) throw invalidParams(`the transaction has an unknown field: ${name}`);
    const [property, parse] = field;
    const parsed = parse(value, name);
    // Only data has two names.
    if (property in draft && draft[property] !== parsed) throw invalidParams("data and input differ");
    draft[property] = parsed;
  }
  return draft;
}

function checkType(draft: Draft): void {
  const { type, gasPrice, maxFeePerGas, maxPriorityFeePerGas, accessList, authorizationList, to } = draft;
  if (maxFeePerGas !== undefined && maxPriorityFeePerGas !== undefined && maxPriorityFeePerGas > maxFeePerGas) {
    throw invalidParams("maxPriorityFeePerGas is more than maxFeePerGas");
  }
  if (type === undefined) return;
  if (type === 3) throw blobsUnsupported();
  if (type > 4)
    throw new ProviderRpcError(RPC_CODES.unsupportedMethod, `transactions of type ${type} are not supported`);
  const hasEip1559 = maxFeePerGas !== undefined || maxPriorityFeePerGas !== undefined;
  if (type < 2 && hasEip1559) throw invalidParams(`a transaction of type ${type} has a gasPrice, no maxFeePerGas`);
  if (type >= 2 && gasPrice !== undefined) throw invalidParams(`a transaction of type ${type} has no gasPrice`);
  if (type === 0 && accessList) throw invalidParams("a transaction of type 0 has no accessList");
  if (type !== 4 && authorizationList) throw invalidParams("an authorizationList needs type 4");
  if (type === 4 && !authorizationList?.length)
    throw invalidParams("a transaction of type 4 needs an authorizationList");
  if (type === 4 && to === undefined) throw invalidParams("a transaction of type 4 creates no contract");
}

function parseAccess(value: unknown, index: number): AccessListEntry {
  const name = `accessList[${index}]`;
  const { address, storageKeys } = parseObject(value, name);
  return {
    address: parseAddress(address, `${name}.address`),
    storageKeys: parseArray(storageKeys, `${name}.storageKeys`).map((key) => parseWord(key, `${name}.storageKeys`)),
  };
}

/** EIP-7702's tuple. r and s are quantities in JSON-RPC, yParity is 0 or 1. */
function parseAuthorization(value: unknown, index: number): Authorization {
  const name = `authorizationList[${index}]`;
  const { address, nonce, chainId, yParity, r, s } = parseObject(value, name);
  const signature = parseSignature(yParity, r, s, name);
  return {
    address: parseAddress(address, `${name}.address`),
    nonce: parseQuantity(nonce, `${name}.nonce`),
    chainId: parseQuantity(chainId, `${name}.chainId`),
    signature,
  };
}

function parseSignature(yParity: unknown, r: unknown, s: unknown, name: string): Signature {
  const parity = parseQuantity(yParity, `${name}.yParity`);
  if (parity > 1n) throw invalidParams(`${name}.yParity must be 0x0 or 0x1`);
  const words = { r: toBeHex(parseQuantity(r, `${name}.r`), 32), s: toBeHex(parseQuantity(s, `${name}.s`), 32) };
  try {
    return Signature.from({ ...words, yParity: parity === 1n ? 1 : 0 });
  } catch {
    throw invalidParams(`${name}.s is more than half of the curve's order (EIP-2)`);
  }
}

function blobsUnsupported(): ProviderRpcError {
  return new ProviderRpcError(RPC_CODES.unsupportedMethod, "blob transactions are not supported");
}
