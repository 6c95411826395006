import { concat, getBytes, Signature, type Signer, type TypedDataDomain, TypedDataEncoder, ZeroAddress } from "ethers";

/** A transaction of a Safe, as its owners sign it. */
export interface SafeTransaction {
  readonly to: string;
  /** Wei. */
  readonly value: bigint;
  readonly data: string;
  /** 0 is a call, 1 a delegate call. */
  readonly operation: 0 | 1;
  readonly safeTxGas: bigint;
  readonly baseGas: bigint;
  readonly gasPrice: bigint;
  readonly gasToken: string;
  readonly refundReceiver: string;
  /** The Safe's own, not an account's. */
  readonly nonce: bigint;
}

/** One owner's signature, 65 bytes: r, s, v. */
export interface OwnerSignature {
  readonly owner: string;
  readonly signature: string;
}

export const SAFE_TX_TYPES = {
  SafeTx: [
    { name: "to", type: "address" },
    { name: "value", type: "uint256" },
    { name: "data", type: "bytes" },
    { name: "operation", type: "uint8" },
    { name: "safeTxGas", type: "uint256" },
    { name: "baseGas", type: "uint256" },
    { name: "gasPrice", type: "uint256" },
    { name: "gasToken", type: "address" },
    { name: "refundReceiver", type: "address" },
    { name: "nonce", type: "uint256" },
  ],
};

/** A plain call without a refund. */
export function safeCall(to: string, value: bigint, data: string, nonce: bigint): SafeTransaction {
  const none = { safeTxGas: 0n, baseGas: 0n, gasPrice: 0n, gasToken: ZeroAddress, refundReceiver: ZeroAddress };
  return { to, value, data, operation: 0, ...none, nonce };
}

/** Since version 1.3.0 of the Safe's contracts; earlier ones have no chain in it. */
export function safeDomain(safe: string, chainId: bigint): TypedDataDomain {
  return { chainId, verifyingContract: safe };
}

/** What identifies the transaction: the digest that {@link signSafeTransaction} signs. */
export function safeTransactionHash(domain: TypedDataDomain, transaction: SafeTransaction): string {
  return TypedDataEncoder.hash(domain, SAFE_TX_TYPES, transaction);
}

/** Signs by EIP-712, v of 27 or 28: what a wallet can show to its user. */
export async function signSafeTransaction(
  owner: Signer,
  domain: TypedDataDomain,
  transaction: SafeTransaction,
): Promise<OwnerSignature> {
  const signature = await owner.signTypedData(domain, SAFE_TX_TYPES, transaction);
  return { owner: await owner.getAddress(), signature };
}

/**
 * Signs the hash as a message (EIP-191), as wallets do that know `eth_sign` or `personal_sign` only. A Safe tells it by
 * a v that is 4 higher, 31 or 32.
 */
export async function signSafeTransactionAsMessage(
  owner: Signer,
  domain: TypedDataDomain,
  transaction: SafeTransaction,
): Promise<OwnerSignature> {
  const { r, s, v } = Signature.from(await owner.signMessage(getBytes(safeTransactionHash(domain, transaction))));
  return { owner: await owner.getAddress(), signature: concat([r, s, Uint8Array.of(v + 4)]) };
}

/** The owners' signatures as `execTransaction` takes them: in ascending order of the owners' addresses. */
export function joinSignatures(signatures: readonly OwnerSignature[]): string {
  const sorted = [...signatures].sort((a, b) => (BigInt(a.owner) < BigInt(b.owner) ? -1 : 1));
  return concat(sorted.map(({ signature }) => signature));
}
