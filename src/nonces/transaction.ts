import { id, Transaction, type TransactionLike } from "ethers";

/** What a transaction does, serialized or not, whatever its nonce, its gas and its fees: a hash of the rest. */
export function intentOf(content: string | TransactionLike<string>): string {
  const { chainId, to, value, data, accessList, authorizationList, blobVersionedHashes } = Transaction.from(content);
  const authorizations = authorizationList?.map(({ address, nonce, chainId: chain, signature }) => {
    return [address, `${nonce}`, `${chain}`, signature.serialized];
  });
  const lists = [accessList ?? [], authorizations ?? [], blobVersionedHashes ?? []];
  return id(JSON.stringify([`${chainId}`, to, `${value}`, data, ...lists]));
}

/** The hash of signed bytes as they are broadcast: those of a blob transaction carry blobs, which are not hashed (EIP-4844, "Networking"). */
export function hashOf(raw: string): string {
  return String(Transaction.from(raw).hash);
}
