import { getBytes, toBigInt } from "ethers";
import type { BlobSidecar, Hex, Kzg, SerializeTransactionFn, TransactionSerializable } from "viem";
import { concatHex, fromRlp, serializeTransaction, sliceHex, toRlp } from "viem/utils";
import { blobSidecar, type Sidecar } from "../support/kzg.ts";
import { hex } from "./pair.ts";

const PROOF_BYTES = 48;

/** A KZG library as viem wants it, for constant blobs: the commitments and proofs are real. */
export const kzg: Kzg = {
  blobToKzgCommitment: (blob) => getBytes(blobSidecar(toBigInt(blob.slice(0, 32))).commitment),
  computeBlobKzgProof: (blob) => getBytes(blobSidecar(toBigInt(blob.slice(0, 32))).proof),
};

/** A sidecar in viem's words. */
export function toViemSidecar({ data, commitment, proof }: Sidecar): BlobSidecar<Hex> {
  return { blob: hex(data), commitment: hex(commitment), proof: hex(proof) };
}

function cellProofs({ proof }: BlobSidecar<Hex>): Hex[] {
  const length = (proof.length - 2) / 2 / PROOF_BYTES;
  return Array.from({ length }, (_, cell) => sliceHex(proof, cell * PROOF_BYTES, (cell + 1) * PROOF_BYTES));
}

/** Writes sidecars whose `proof` is one of EIP-7594, all cell proofs one after the other, as viem's own serializer cannot. */
export const serializeWithCellProofs: SerializeTransactionFn<TransactionSerializable> = (transaction, signature) => {
  const { sidecars } = transaction;
  if (!sidecars) return serializeTransaction(transaction, signature);
  const payload = serializeTransaction({ ...transaction, sidecars: false } as TransactionSerializable, signature);
  const parts = [
    fromRlp(sliceHex(payload, 1)),
    "0x01" as const,
    sidecars.map(({ blob }) => blob),
    sidecars.map(({ commitment }) => commitment),
    sidecars.flatMap(cellProofs),
  ];
  return concatHex(["0x03", toRlp(parts)]) as `0x03${string}`;
};
