import type { TypedDataDomain, TypedDataField } from "ethers";

/**
 * What a digest was made of. Keys that ask somebody before they sign show it; others ignore it.
 *
 * It proves nothing by itself: whoever relies on it makes the digest of it again and compares.
 */
export type SigningContent =
  /** A transaction of any type: its unsigned serialization, as a hex string; a blob transaction's has no sidecars. */
  | { readonly type: "transaction"; readonly unsigned: string }
  /** The message of EIP-191, version 0x45, before its prefix. */
  | { readonly type: "message"; readonly message: Uint8Array }
  /** EIP-712, with every ENS name resolved. */
  | {
      readonly type: "typed-data";
      /** The domain, ENS names in it resolved. */
      readonly domain: TypedDataDomain;
      /** The struct types. */
      readonly types: Record<string, TypedDataField[]>;
      // biome-ignore lint/suspicious/noExplicitAny: the type of ethers' Signer.
      readonly value: Record<string, any>;
    }
  /** EIP-7702: the tuple that is signed. A chainId of 0 holds on every chain. */
  | {
      readonly type: "authorization";
      readonly chainId: bigint;
      /** The contract whose code the account is to run. */
      readonly address: string;
      /** The account's nonce at which it holds. */
      readonly nonce: bigint;
    };
