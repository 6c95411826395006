import {
  getAddress,
  getBigInt,
  hashAuthorization,
  hashMessage,
  hexlify,
  id,
  keccak256,
  Transaction,
  TypedDataEncoder,
  toUtf8String,
} from "ethers";
import type { SigningPayload } from "./payload.ts";

interface SignRequestBase {
  /** The account's address, with the checksum of EIP-55. */
  readonly account: string;
  /** The 32 bytes to be signed, hex. */
  readonly digest: string;
  /** When it was asked for: milliseconds since 1970, by this process's clock. */
  readonly time: number;
}

/** A delegation in a type 4 transaction's list (EIP-7702), or one to be signed. */
export interface RequestedDelegation {
  /** 0 holds on every chain. */
  readonly chainId: bigint;
  /** The contract whose code the account is to run; the zero address revokes. With the checksum of EIP-55. */
  readonly delegate: string;
  /** The authority's nonce at which it holds. */
  readonly nonce: bigint;
}

/** A transaction of type 0 to 4 (EIP-2718), decoded from its unsigned serialization. */
export interface TransactionSignRequest extends SignRequestBase {
  readonly kind: "transaction";
  /** The unsigned serialization, lower-case hex. */
  readonly unsigned: string;
  readonly type: number;
  /** null: a legacy transaction without EIP-155, which holds on every chain. */
  readonly chainId: bigint | null;
  readonly nonce: number;
  /** With the checksum of EIP-55; null creates a contract. */
  readonly to: string | null;
  /** Wei. */
  readonly value: bigint;
  /** Lower-case hex. */
  readonly data: string;
  readonly gasLimit: bigint;
  /** The most that the sender can pay, in wei: value, gasLimit × the fee ceiling, and blob gas × its ceiling. Not a rollup's data fee. */
  readonly maxCost: bigint;
  /** EIP-4844: how many blobs. */
  readonly blobs: number;
  /** EIP-7702: the list of a type 4 transaction, else empty. */
  readonly delegations: readonly RequestedDelegation[];
}

/** A message of EIP-191, version 0x45. */
export interface MessageSignRequest extends SignRequestBase {
  readonly kind: "message";
  /** Before the prefix, lower-case hex. */
  readonly message: string;
  /** The message if it is UTF-8. */
  readonly text: string | null;
}

/** A value of typed data: integers as bigint, addresses with the checksum of EIP-55, bytes as lower-case hex. */
export type TypedDataValue =
  | bigint
  | string
  | boolean
  | readonly TypedDataValue[]
  | { readonly [name: string]: TypedDataValue };

/** Typed data of EIP-712. */
export interface TypedDataSignRequest extends SignRequestBase {
  readonly kind: "typed-data";
  /** null stands for what the domain does not have. */
  readonly domain: {
    readonly name: string | null;
    readonly version: string | null;
    readonly chainId: bigint | null;
    readonly verifyingContract: string | null;
    readonly salt: string | null;
  };
  readonly primaryType: string;
  /** EIP-712's encodeType of the primary type. */
  readonly encodedType: string;
  /** keccak-256 of `encodedType`: what a contract compares. */
  readonly typeHash: string;
  readonly value: { readonly [name: string]: TypedDataValue };
}

/** An authorization of EIP-7702. */
export interface AuthorizationSignRequest extends SignRequestBase, RequestedDelegation {
  readonly kind: "authorization";
}

/** 32 bytes of which nothing is known. */
export interface DigestSignRequest extends SignRequestBase {
  readonly kind: "digest";
  /** Why a payload that came with it was not believed; null if none came. */
  readonly problem: string | null;
}

/** What a key is asked to sign, decoded from its payload and deeply frozen. The digest was computed again from the payload. */
export type SignRequest =
  | TransactionSignRequest
  | MessageSignRequest
  | TypedDataSignRequest
  | AuthorizationSignRequest
  | DigestSignRequest;

/** EIP-4844, section "Parameters": GAS_PER_BLOB. */
const GAS_PER_BLOB = 131_072n;

/**
 * Reads what a digest was made of. Without a payload it is a bare digest; so it is with a payload of another digest, or one that cannot be
 * decoded or is not in its canonical form, and `problem` says so.
 */
export function readSignRequest(account: string, digest: Uint8Array, payload: SigningPayload | undefined): SignRequest {
  const base = { account, digest: hexlify(digest), time: Date.now() };
  const bare = (problem: string | null): SignRequest => Object.freeze({ ...base, kind: "digest", problem });
  if (payload === undefined) return bare(null);
  try {
    const { digest: computed, ...request } = decode(payload);
    if (computed !== base.digest) return bare(`the payload is a ${request.kind} of another digest, ${computed}`);
    return deepFreeze({ ...base, ...request } as SignRequest);
  } catch {
    return bare("the payload cannot be decoded");
  }
}

type Decoded = { readonly kind: SignRequest["kind"]; readonly digest: string };

function decode(payload: SigningPayload): Decoded {
  switch (payload.type) {
    case "transaction":
      return decodeTransaction(payload.unsigned.toLowerCase());
    case "message": {
      const message = hexlify(payload.message);
      return { kind: "message", digest: hashMessage(payload.message), message, text: readText(message) } as Decoded;
    }
    case "typed-data":
      return decodeTypedData(payload);
    case "authorization": {
      const { chainId, address, nonce } = payload;
      const tuple = { chainId: getBigInt(chainId), delegate: getAddress(address), nonce: getBigInt(nonce) };
      return { kind: "authorization", digest: hashAuthorization({ chainId, address, nonce }), ...tuple } as Decoded;
    }
  }
}

function decodeTransaction(unsigned: string): Decoded {
  const transaction = Transaction.from(unsigned);
  if (transaction.isSigned() || transaction.unsignedSerialized !== unsigned) throw new Error("not canonical");
  const { type, nonce, to, value, data, gasLimit, gasPrice, maxFeePerGas, maxFeePerBlobGas } = transaction;
  const blobs = transaction.blobVersionedHashes?.length ?? 0;
  const fees = gasLimit * (maxFeePerGas ?? gasPrice ?? 0n) + BigInt(blobs) * GAS_PER_BLOB * (maxFeePerBlobGas ?? 0n);
  // ethers reads a legacy transaction without EIP-155, and one for chain 0, as chain 0: neither names a chain.
  const chainId = type === 0 && transaction.chainId === 0n ? null : transaction.chainId;
  const delegations = (transaction.authorizationList ?? []).map(({ chainId, address, nonce }) => ({
    ...{ chainId, delegate: getAddress(address), nonce },
  }));
  const fields = { type, chainId, nonce, to, value, data, gasLimit, maxCost: value + fees, blobs, delegations };
  return { kind: "transaction", digest: keccak256(unsigned), unsigned, ...fields } as Decoded;
}

function decodeTypedData({ domain, types, value }: Extract<SigningPayload, { type: "typed-data" }>): Decoded {
  const encoder = TypedDataEncoder.from(types);
  const encodedType = encoder.encodeType(encoder.primaryType);
  const { name, version, chainId, verifyingContract, salt } = domain;
  const read = {
    name: name ?? null,
    version: version ?? null,
    chainId: chainId == null ? null : getBigInt(chainId),
    verifyingContract: verifyingContract == null ? null : getAddress(verifyingContract),
    salt: salt == null ? null : hexlify(salt),
  };
  return {
    kind: "typed-data",
    digest: TypedDataEncoder.hash(domain, types, value),
    domain: read,
    primaryType: encoder.primaryType,
    encodedType,
    typeHash: id(encodedType),
    value: encoder.visit(value, readValue),
  } as Decoded;
}

/** A leaf of typed data, in one notation. */
function readValue(type: string, value: unknown): TypedDataValue {
  if (/^u?int/.test(type)) return getBigInt(value as bigint);
  if (type === "address") return getAddress(value as string);
  if (type.startsWith("bytes")) return hexlify(value as string);
  return type === "bool" ? Boolean(value) : String(value);
}

function readText(message: string): string | null {
  try {
    return toUtf8String(message);
  } catch {
    return null;
  }
}

function deepFreeze<T extends object>(value: T): T {
  for (const each of Object.values(value)) if (typeof each === "object" && each !== null) deepFreeze(each);
  return Object.freeze(value);
}
