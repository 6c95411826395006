import type { TypedDataField } from "ethers";
import type { DecodedTransaction } from "./decoded-transaction.ts";

/** What an approval request says the digest was made of. Plain JSON: numbers of any size are decimal digits. */
export type RequestContent =
  | TransactionContent
  | MessageContent
  | TypedDataContent
  | AuthorizationContent
  /** Nothing is known but the digest. */
  | { readonly type: "digest" };

/** A transaction, and how it reads. */
export interface TransactionContent {
  /** Which kind of content this is. */
  readonly type: "transaction";
  /** The unsigned serialization, in lower-case hex: what is hashed. */
  readonly unsigned: string;
  /** The same for people. Verification makes it again, and refuses a request where it differs. */
  readonly decoded: DecodedTransaction;
}

/** A message of EIP-191. */
export interface MessageContent {
  /** EIP-191, version 0x45. */
  readonly type: "message";
  /** The bytes before the prefix, in lower-case hex. */
  readonly message: string;
  /** The same as text, where the bytes are UTF-8. Verification makes it again. */
  readonly text?: string;
}

/** Typed data of EIP-712. */
export interface TypedDataContent {
  /** EIP-712. */
  readonly type: "typed-data";
  /** Without absent fields; `chainId` in decimal digits. */
  readonly domain: Readonly<Record<string, string>>;
  /** Without `EIP712Domain`, which the domain's fields tell. */
  readonly types: Readonly<Record<string, readonly TypedDataField[]>>;
  /** The struct type of `message`. */
  readonly primaryType: string;
  /** Numbers in decimal digits, bytes in lower-case hex, addresses in lower case; no field that the types lack. */
  readonly message: Readonly<Record<string, unknown>>;
}

/** An authorization of EIP-7702. */
export interface AuthorizationContent {
  /** EIP-7702. */
  readonly type: "authorization";
  /** In decimal digits; `"0"` holds on every chain. */
  readonly chainId: string;
  /** The contract whose code the account is to run; the zero address ends a delegation. */
  readonly address: string;
  /** In decimal digits. */
  readonly nonce: string;
}
