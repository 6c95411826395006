import {
  type AccessListEntry,
  type Authorization,
  getAddress,
  isHexString,
  Signature,
  Transaction,
  toBeHex,
} from "ethers";
import { parseJson } from "../eip1193/json.ts";
import type { ParsedTransaction } from "../eip1193/transaction-request.ts";
import type { Context } from "./context.ts";
import { CommandError, requireUsage } from "./errors.ts";

/** A transaction as a file has it, in ethers' words. What the file leaves out is absent. */
export interface FileTransaction extends Partial<ParsedTransaction> {
  readonly maxFeePerBlobGas?: bigint;
  readonly blobVersionedHashes?: string[];
}

type Read = (value: unknown, path: string) => unknown;
type Fields = Readonly<Record<string, unknown>>;

const FIELDS: Readonly<Record<keyof FileTransaction, Read>> = {
  from: readAddress,
  to: readAddress,
  type: readCount,
  nonce: readCount,
  gasLimit: readInteger,
  gasPrice: readInteger,
  maxFeePerGas: readInteger,
  maxPriorityFeePerGas: readInteger,
  maxFeePerBlobGas: readInteger,
  value: readInteger,
  data: (value, path) => readBytes(value, path),
  chainId: readInteger,
  accessList: (value, path) => readList(value, path, readAccess),
  blobVersionedHashes: (value, path) => readList(value, path, (hash, at) => readBytes(hash, at, 32)),
  authorizationList: (value, path) => readList(value, path, readAuthorization),
};

/** Fields that not every type of transaction has. */
const TYPES_OF_FIELDS: Readonly<Partial<Record<keyof FileTransaction, readonly number[]>>> = {
  gasPrice: [0, 1],
  maxFeePerGas: [2, 3, 4],
  maxPriorityFeePerGas: [2, 3, 4],
  accessList: [1, 2, 3, 4],
  maxFeePerBlobGas: [3],
  blobVersionedHashes: [3],
  authorizationList: [4],
};

/** JSON-RPC's names for the same. */
const SYNONYMS: Readonly<Record<string, string>> = { gas: "gasLimit", input: "data" };

/**
 * A transaction from a file: a JSON object in the words of ethers or of JSON-RPC, or an unsigned serialization as hex.
 *
 * It is read strictly: an integer is a JSON number that JavaScript can represent, or a string of decimal or 0x digits; an address is 0x and
 * 40 digits, never a name; an unknown field is refused. null is an absent field.
 *
 * @throws CommandError USAGE, which names the field.
 */
export async function readTransaction(context: Context, file: string): Promise<FileTransaction> {
  const text = (await context.read(file, "FILE")).trim();
  const transaction: FileTransaction = isHexString(text) ? fromSerialization(text) : fromJson(text);
  const { from: _from, ...fields } = transaction;
  requireConsistent(fields);
  return transaction;
}

/** @throws CommandError USAGE unless the fields can be those of one transaction: ethers ignores fields of other types. */
export function requireConsistent(fields: Omit<FileTransaction, "from">): void {
  const { type } = fields;
  for (const [name, types] of Object.entries(TYPES_OF_FIELDS)) {
    const isOther = type !== undefined && name in fields && !types.includes(type);
    requireUsage(!isOther, `the transaction cannot be right: type ${type} has no ${name}`);
  }
  const hasBothFees = "gasPrice" in fields && ("maxFeePerGas" in fields || "maxPriorityFeePerGas" in fields);
  requireUsage(!hasBothFees, "the transaction cannot be right: it has a gasPrice, and fees of EIP-1559");
  try {
    Transaction.from({ ...fields }).inferTypes();
  } catch (error) {
    const { shortMessage = "its fields are of no type of transaction" } = error as { readonly shortMessage?: string };
    throw new CommandError("USAGE", `the transaction cannot be right: ${shortMessage}`);
  }
}

/** @throws CommandError USAGE. */
export function parseTransaction(text: string): Transaction {
  try {
    return Transaction.from(text);
  } catch {
    throw new CommandError("USAGE", "these are not the bytes of a transaction");
  }
}

/** What a signature without a node needs, so that it is valid on the intended chain only. @throws CommandError USAGE. */
export function requireComplete(transaction: FileTransaction): void {
  const { gasPrice, type } = transaction;
  const isLegacy = gasPrice !== undefined || type === 0 || type === 1;
  const fees = isLegacy ? ["gasPrice"] : ["maxFeePerGas", "maxPriorityFeePerGas"];
  const needed = ["chainId", "nonce", "gasLimit", ...fees];
  const missing = needed.filter((name) => !(name in transaction));
  requireUsage(
    missing.length === 0,
    `the transaction lacks ${missing.join(", ")}: add them, or pass --rpc, so that they are filled in`,
  );
}

function fromSerialization(text: string): FileTransaction {
  const transaction = parseTransaction(text);
  requireUsage(!transaction.isSigned(), "the transaction is signed already");
  const present = Object.keys(FIELDS).flatMap((name) => {
    const value: unknown = Reflect.get(transaction, name);
    return value === null ? [] : [[name, value]];
  });
  return Object.fromEntries(present);
}

function fromJson(text: string): FileTransaction {
  const given = readObject(parse(text), "the transaction");
  const transaction: Record<string, unknown> = {};
  for (const [field, value] of Object.entries(given)) {
    const name = SYNONYMS[field] ?? field;
    const read = Object.hasOwn(FIELDS, name) ? FIELDS[name as keyof FileTransaction] : undefined;
    requireUsage(read, `the transaction has a field ${JSON.stringify(field)} that is unknown here`);
    requireUsage(!(name in transaction), `the transaction has ${field} twice, under two names`);
    if (value !== null) transaction[name] = read(value, field);
  }
  return transaction;
}

/** Refuses an object that has a member twice. */
function parse(text: string): unknown {
  try {
    return parseJson(text, "the transaction");
  } catch (error) {
    const hint = "it must be a JSON object, or a serialization as 0x and hexadecimal digits";
    throw new CommandError("USAGE", (error as Error).message, hint);
  }
}

function readObject(value: unknown, path: string): Fields {
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  requireUsage(isObject, `${path} must be an object`);
  return value as Fields;
}

function readList<T>(value: unknown, path: string, read: (each: unknown, path: string) => T): T[] {
  requireUsage(Array.isArray(value), `${path} must be a list`);
  return value.map((each: unknown, index) => read(each, `${path}[${index}]`));
}

function readInteger(value: unknown, path: string): bigint {
  const isNumber = typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
  const isText = typeof value === "string" && /^(?:0|[1-9]\d{0,77}|0x[\da-f]{1,64})$/i.test(value);
  const integer = isNumber || isText ? BigInt(value) : -1n;
  requireUsage(
    integer >= 0n && integer >> 256n === 0n,
    `${path} must be an integer from 0 to 2^256 - 1, in digits or in 0x digits`,
  );
  return integer;
}

function readCount(value: unknown, path: string): number {
  const count = readInteger(value, path);
  requireUsage(count <= Number.MAX_SAFE_INTEGER, `${path} must be an integer up to ${Number.MAX_SAFE_INTEGER}`);
  return Number(count);
}

function readBytes(value: unknown, path: string, length?: number): string {
  const unit = length === undefined ? "pairs of hexadecimal digits" : `${length * 2} hexadecimal digits`;
  requireUsage(isHexString(value, length ?? true), `${path} must be 0x and ${unit}`);
  return value;
}

/** Names are never resolved: the signer would sign an address that the file does not have. */
function readAddress(value: unknown, path: string): string {
  requireUsage(isHexString(value, 20), `${path} must be an address of 0x and 40 digits`);
  try {
    return getAddress(value);
  } catch {
    throw new CommandError("USAGE", `${path} is an address with a bad address checksum (EIP-55)`);
  }
}

function readAccess(value: unknown, path: string): AccessListEntry {
  const { address, storageKeys, ...others } = readObject(value, path);
  refuseOthers(others, path);
  const keys = readList(storageKeys, `${path}.storageKeys`, (key, at) => readBytes(key, at, 32));
  return { address: readAddress(address, `${path}.address`), storageKeys: keys };
}

/** EIP-7702's tuple: with r, s and yParity beside it as JSON-RPC has them, or in `signature` as ethers has them. */
function readAuthorization(value: unknown, path: string): Authorization {
  const { address, nonce, chainId, signature, ...flat } = readObject(value, path);
  const at = signature === undefined ? path : `${path}.signature`;
  if (signature !== undefined) refuseOthers(flat, path);
  const { r, s, yParity, v, ...others } = signature === undefined ? flat : readObject(signature, at);
  // Of JSON that ethers' Signature writes.
  refuseOthers({ ...others, networkV: undefined, _type: undefined }, at);
  const parity =
    yParity === undefined && v !== undefined ? readCount(v, `${at}.v`) - 27 : readCount(yParity, `${at}.yParity`);
  requireUsage(parity === 0 || parity === 1, `${at}.yParity must be 0 or 1`);
  const tuple = {
    address: readAddress(address, `${path}.address`),
    nonce: readInteger(nonce, `${path}.nonce`),
    chainId: readInteger(chainId, `${path}.chainId`),
  };
  const word = (part: unknown, name: string) => toBeHex(readInteger(part, `${at}.${name}`), 32);
  const parts = { r: word(r, "r"), s: word(s, "s"), yParity: parity } as const;
  return { ...tuple, signature: Signature.from(parts) };
}

function refuseOthers(others: Fields, path: string): void {
  const [other] = Object.keys(others).filter((name) => others[name] !== undefined);
  requireUsage(other === undefined, `${path} has a field ${JSON.stringify(other)} that is unknown here`);
}
