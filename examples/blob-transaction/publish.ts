import { concat, type JsonRpcApiProvider, type Signer, type TransactionReceipt } from "ethers";
import type { loadKZG } from "kzg-wasm";
import { encodeBlob, versionedHash } from "./blob.ts";

export type Kzg = Awaited<ReturnType<typeof loadKZG>>;

export interface Published {
  readonly receipt: TransactionReceipt;
  /** By which the blob is found, at a consensus node or an archive of blobs; execution nodes do not keep it. */
  readonly blobHash: string;
}

/**
 * Publishes data as a blob (EIP-4844) with cell proofs (EIP-7594), as networks want them since Osaka, and waits until a
 * block has it. The key signs the transaction, which has the blob's hash; the blob itself goes beside it, to the node
 * only.
 *
 * @param signer connected to `provider`.
 * @param data at most 126,972 bytes. Networks keep a blob for some 18 days.
 */
export async function publish(
  signer: Signer,
  provider: JsonRpcApiProvider,
  kzg: Kzg,
  to: string,
  data: Uint8Array,
): Promise<Published> {
  const blob = encodeBlob(data);
  const commitment = kzg.blobToKZGCommitment(blob);
  const { proofs } = kzg.computeCellsAndKZGProofs(blob);
  // Twice the price of now, which rises by an eighth a block at most: it is a maximum, and the rest is not paid.
  const maxFeePerBlobGas = 2n * BigInt(await provider.send("eth_blobBaseFee", []));
  const response = await signer.sendTransaction({
    type: 3,
    to,
    maxFeePerBlobGas,
    blobWrapperVersion: 1,
    blobs: [{ data: blob, commitment, proof: concat(proofs) }],
  });
  const receipt = await response.wait();
  if (!receipt) throw new Error(`${response.hash} has no receipt`);
  return { receipt, blobHash: versionedHash(commitment) };
}
