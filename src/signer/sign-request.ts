import {
  getAddress,
  getBigInt,
  getBytes,
  hashAuthorization,
  hashMessage,
  hexlify,
  keccak256,
  toUtf8String,
} from "ethers";
import { checksumAddress } from "../core/checksum.ts";
import type { SigningPayload } from "./payload.ts";
import { type RequestedDelegation, readTransaction, type TransactionFields } from "./transaction-fields.ts";
import { readTypedData } from "./typed-data-request.ts";

/** What every request has. */
export interface SignRequestBase {
  /** The account's address, with the checksum of EIP-55. */
  readonly account: string;
  /** The 32 bytes to be signed, hex. */
  readonly digest: string;
  /** When it was asked for: milliseconds since 1970, by this process's clock. */
  readonly time: number;
}

/** A transaction of type 0 to 4 (EIP-2718), decoded from its unsigned serialization. */
export interface TransactionSignRequest extends SignRequestBase, TransactionFields {
  /** Tells the requests apart. */
  readonly kind: "transaction";
  /** The unsigned serialization, lower-case hex. */
  readonly unsigned: string;
}

/** A message of EIP-191, version 0x45. */
export interface MessageSignRequest extends SignRequestBase {
  /** Tells the requests apart. */
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
  /** Tells the requests apart. */
  readonly kind: "typed-data";
  /** null stands for what the domain does not have. */
  readonly domain: {
    /** The name of the application. */
    readonly name: string | null;
    /** The version of the domain. */
    readonly version: string | null;
    /** The chain (EIP-155). */
    readonly chainId: bigint | null;
    /** The contract that checks the signature, with the checksum of EIP-55. */
    readonly verifyingContract: string | null;
    /** 32 bytes, hex. */
    readonly salt: string | null;
  };
  /** The name of the struct that is signed. */
  readonly primaryType: string;
  /** EIP-712's encodeType of the primary type. */
  readonly encodedType: string;
  /** keccak-256 of `encodedType`: what a contract compares. */
  readonly typeHash: string;
  /** The struct's fields. */
  readonly value: { readonly [name: string]: TypedDataValue };
}

/** An authorization of EIP-7702. */
export interface AuthorizationSignRequest extends SignRequestBase, RequestedDelegation {
  /** Tells the requests apart. */
  readonly kind: "authorization";
}

/** 32 bytes of which nothing is known. */
export interface DigestSignRequest extends SignRequestBase {
  /** Tells the requests apart. */
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

/**
 * What a signer would read from a payload, for tests and dry runs of a policy. A transaction's payload is
 * `{ type: "transaction", unsigned: Transaction.from(…).unsignedSerialized }`.
 *
 * @param account the address that would sign.
 * @throws an error for a payload that cannot be decoded, or is not in its canonical form.
 */
export function toSignRequest(account: string, payload: SigningPayload): SignRequest {
  return deepFreeze({ account: getAddress(account), time: Date.now(), ...decode(payload) } as SignRequest);
}

/** The digest is that of what was read, not of the payload: a payload that reads differently each time is of another digest. */
type Decoded = { readonly kind: SignRequest["kind"]; readonly digest: string };

function decode(payload: SigningPayload): Decoded {
  switch (payload.type) {
    case "transaction": {
      const unsigned = payload.unsigned.toLowerCase();
      return { kind: "transaction", digest: keccak256(unsigned), unsigned, ...readTransaction(unsigned) } as Decoded;
    }
    case "message": {
      const bytes = getBytes(payload.message);
      return { kind: "message", digest: hashMessage(bytes), message: hexlify(bytes), text: readText(bytes) } as Decoded;
    }
    case "typed-data":
      return readTypedData(payload);
    case "authorization": {
      const [chainId, nonce] = [getBigInt(payload.chainId), getBigInt(payload.nonce)];
      const address = checksumAddress(payload.address);
      const digest = hashAuthorization({ chainId, address, nonce });
      return { kind: "authorization", digest, chainId, delegate: address, nonce } as Decoded;
    }
  }
}

function readText(message: Uint8Array): string | null {
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
