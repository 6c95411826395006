import type { Hex, SerializeTransactionFn, TransactionSerializable } from "viem";
import { getTransactionType, keccak256, serializeTransaction } from "viem/utils";
import type { RemoteSigner } from "../signer/remote-signer.ts";
import { signHash } from "./signature.ts";

export type Serializer = SerializeTransactionFn<TransactionSerializable>;

/**
 * Signs what `serializer` makes of the transaction and gives what it makes of the transaction with the signature.
 *
 * The serializer is called twice, the second time after the backend answered: it gets a copy, since a caller that changed its
 * object meanwhile would get a transaction whose sender is anybody.
 *
 * @throws what the serializer throws, before anything is signed.
 */
export async function signTransaction(
  signer: RemoteSigner,
  transaction: TransactionSerializable,
  serializer: Serializer = serializeTransaction,
): Promise<Hex> {
  const withoutSidecars = isBlobTransaction(transaction, serializer);
  const copy = { ...transaction };
  // EIP-4844, section "Networking": the signature is over the payload, not over the wrapper with the sidecars.
  const signable = withoutSidecars ? ({ ...copy, sidecars: false } as TransactionSerializable) : copy;
  const signature = await signHash(signer, keccak256(await serializer(signable)));
  return serializer(copy, signature);
}

// A serializer of its own may know types that viem does not: there the transaction's word is taken.
function isBlobTransaction(transaction: TransactionSerializable, serializer: Serializer): boolean {
  return (serializer === serializeTransaction ? getTransactionType(transaction) : transaction.type) === "eip4844";
}
