import type { RequestedDelegation, TransactionFields } from "./transaction-fields.ts";

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
