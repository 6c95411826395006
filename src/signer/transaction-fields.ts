import { checksumAddress } from "./checksum.ts";
import { decodeCanonicalRlp, type RlpItem } from "./rlp.ts";

/** A delegation in a type 4 transaction's list (EIP-7702), or one to be signed. */
export interface RequestedDelegation {
  /** 0 holds on every chain. */
  readonly chainId: bigint;
  /** The contract whose code the account is to run; the zero address revokes. With the checksum of EIP-55. */
  readonly delegate: string;
  /** The authority's nonce at which it holds. */
  readonly nonce: bigint;
}

/** What an unsigned transaction says, as far as a policy asks. */
export interface TransactionFields {
  /** 0 to 4. */
  readonly type: number;
  /** null: a legacy transaction without EIP-155, which holds on every chain. */
  readonly chainId: bigint | null;
  /** The account's nonce. */
  readonly nonce: number;
  /** With the checksum of EIP-55; null creates a contract. */
  readonly to: string | null;
  /** Wei. */
  readonly value: bigint;
  /** Lower-case hex. */
  readonly data: string;
  /** The most gas that it can use. */
  readonly gasLimit: bigint;
  /** The most that the sender can pay, in wei: value, gasLimit × the fee ceiling, and blob gas × its ceiling. Not a rollup's data fee. */
  readonly maxCost: bigint;
  /** EIP-4844: how many blobs. */
  readonly blobs: number;
  /** EIP-7702: the list of a type 4 transaction, else empty. */
  readonly delegations: readonly RequestedDelegation[];
}

type Field = RlpItem | undefined;

/** EIP-4844, section "Parameters": GAS_PER_BLOB. */
const GAS_PER_BLOB = 131_072n;

const DYNAMIC = "chainId nonce priorityFee fee gasLimit to value data accessList";
/** The fields in their order, by type: legacy, EIP-2930, EIP-1559, EIP-4844, EIP-7702. */
const ORDERS = [
  "nonce fee gasLimit to value data",
  "chainId nonce fee gasLimit to value data accessList",
  DYNAMIC,
  `${DYNAMIC} blobFee blobHashes`,
  `${DYNAMIC} delegations`,
].map((order) => order.split(" "));

/**
 * Reads an unsigned transaction of type 0 to 4, lower-case hex, in its one canonical form: canonical RLP, integers without leading
 * zeros, no signature. ethers' `Transaction` accepts more forms, and takes several times as long.
 *
 * @throws an error for anything else.
 */
export function readTransaction(unsigned: string): TransactionFields {
  const isTyped = /^0x0[1-4]/.test(unsigned);
  const type = isTyped ? Number(unsigned.slice(2, 4)) : 0;
  const body = isTyped ? `0x${unsigned.slice(4)}` : unsigned;
  const fields = readList(decodeCanonicalRlp(body));
  const order = ORDERS[type] ?? [];
  const rest = fields.slice(order.length);
  if (fields.length < order.length || (isTyped && rest.length > 0)) throw new Error("it has other fields");
  const field = (name: string): Field => fields[order.indexOf(name)];
  const [value, gasLimit, fee] = [
    readInteger(field("value")),
    readInteger(field("gasLimit")),
    readInteger(field("fee")),
  ];
  const blobs = type === 3 ? readList(field("blobHashes")).length : 0;
  const blobFees = blobs === 0 ? 0n : BigInt(blobs) * GAS_PER_BLOB * readInteger(field("blobFee"));
  return {
    type,
    chainId: isTyped ? readInteger(field("chainId")) : readLegacyChain(rest),
    nonce: readNonce(field("nonce")),
    to: field("to") === "0x" ? null : readAddress(field("to")),
    value,
    data: readText(field("data")),
    gasLimit,
    maxCost: value + gasLimit * fee + blobFees,
    blobs,
    delegations: type === 4 ? readList(field("delegations")).map(readDelegation) : [],
  };
}

/** EIP-155: the chain and two empty fields follow; without it nothing does. */
function readLegacyChain(rest: readonly Field[]): bigint | null {
  if (rest.length === 0) return null;
  const chainId = readInteger(rest[0]);
  if (rest.length !== 3 || rest[1] !== "0x" || rest[2] !== "0x" || chainId === 0n) throw new Error("it is signed");
  return chainId;
}

function readDelegation(entry: Field) {
  const [chainId, delegate, nonce] = readList(entry);
  return { chainId: readInteger(chainId), delegate: readAddress(delegate), nonce: readInteger(nonce) };
}

function readNonce(field: Field): number {
  const nonce = readInteger(field);
  if (nonce > BigInt(Number.MAX_SAFE_INTEGER)) throw new Error("the nonce is above 2^53 - 1");
  return Number(nonce);
}

function readInteger(field: Field): bigint {
  const text = readText(field);
  if (text.startsWith("0x00") || text.length > 66) throw new Error("an integer is not canonical");
  return text === "0x" ? 0n : BigInt(text);
}

function readAddress(field: Field): string {
  const text = readText(field);
  if (text.length !== 42) throw new Error("an address does not have 20 bytes");
  return checksumAddress(text);
}

function readText(field: Field): string {
  if (typeof field !== "string") throw new Error("a field is not bytes");
  return field;
}

function readList(field: Field): readonly RlpItem[] {
  if (!Array.isArray(field)) throw new Error("a field is not a list");
  return field;
}
