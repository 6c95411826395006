import { assertArgument, type BytesLike, getBytesCopy, type TypedDataDomain, type TypedDataField } from "ethers";

/**
 * What a digest was made of. Keys that ask for approval before they sign show it; others ignore it.
 *
 * It proves nothing: code that relies on it must compute the digest from it again and compare.
 */
export type SigningPayload =
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

/** The call's own copy of a digest. @throws ethers' INVALID_ARGUMENT unless these are 32 bytes, whatever length a subclass claims. */
export function copyDigest(digest: BytesLike): Uint8Array {
  const bytes = getBytesCopy(digest);
  assertArgument(bytes.length === 32, "invalid digest length", "digest", digest);
  return bytes;
}
