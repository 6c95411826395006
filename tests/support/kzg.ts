import { bls12_381 } from "@noble/curves/bls12-381.js";
import type { KzgLibraryLike } from "ethers";
import { concat, hexlify, sha256, toBeHex } from "ethers";

const FIELD_ELEMENTS = 4096;
const CELLS = 128;

// The quotient (f(x) - f(z)) / (x - z) of a constant f is zero, and so every proof is the point at infinity.
const INFINITY = `0x${"c0".padEnd(96, "0")}`;

/** A blob whose 4096 field elements are all `element`: the polynomial that is constant. */
export function constantBlob(element: bigint): string {
  return `0x${toBeHex(element, 32).slice(2).repeat(FIELD_ELEMENTS)}`;
}

// A point of BLS12-381 takes milliseconds, and few elements are asked for.
const commitments = new Map<string, string>();

function commit(blob: string): string {
  const known = commitments.get(blob);
  if (known !== undefined) return known;
  const element = BigInt(blob.slice(0, 66));
  if (blob !== constantBlob(element)) throw new Error("only constant blobs have a commitment here");
  const commitment = hexlify(bls12_381.G1.Point.BASE.multiplyUnsafe(element).toBytes(true));
  commitments.set(blob, commitment);
  return commitment;
}

/**
 * A KZG library for constant blobs, whose commitments and proofs are real and need no trusted setup: a node accepts them.
 *
 * A full library takes 15 seconds to load its setup, too long for every file that signs one blob.
 */
export const constantKzg: KzgLibraryLike = {
  blobToKZGCommitment: commit,
  computeBlobKZGProof: (blob: string, _commitment: string) => {
    commit(blob);
    return INFINITY;
  },
};

/** A blob with what proves it, as ethers takes it. */
export interface Sidecar {
  readonly data: string;
  readonly commitment: string;
  readonly proof: string;
}

/** The sidecar of a constant blob with EIP-4844's one proof. */
export function blobSidecar(element: bigint): Sidecar {
  const data = constantBlob(element);
  return { data, commitment: commit(data), proof: INFINITY };
}

/** A call of EIP-4844's precompile: that a constant blob's polynomial has its value at 5. */
export function pointEvaluation(element: bigint): { readonly to: string; readonly data: string } {
  const { commitment, proof } = blobSidecar(element);
  const data = concat([versionedHash(commitment), toBeHex(5, 32), toBeHex(element, 32), commitment, proof]);
  return { to: "0x000000000000000000000000000000000000000a", data };
}

/** The hash by which a transaction names a blob (EIP-4844). */
export function versionedHash(commitment: string): string {
  return `0x01${sha256(commitment).slice(4)}`;
}

/** The sidecar of a constant blob with EIP-7594's proofs, one for each cell, one after the other. */
export function cellProofSidecar(element: bigint): Sidecar {
  return { ...blobSidecar(element), proof: `0x${INFINITY.slice(2).repeat(CELLS)}` };
}
