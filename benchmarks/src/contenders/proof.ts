import { type BytesLike, recoverAddress, type SignatureLike, Transaction, toBeHex } from "ethers";
import { type RawSignature, toLowS } from "ethers-hsm/codecs";

/** @throws an Error where the signature of `digest` is not by `address`. */
export function requireSignatureBy(address: string, digest: BytesLike, signature: SignatureLike): void {
  const signer = recoverAddress(digest, signature);
  if (signer !== address) throw new Error(`the signature is by ${signer} instead of ${address}`);
}

/** As {@link requireSignatureBy}, for what a backend says: one of the two candidates must fit. */
export function requireRawSignatureBy(address: string, digest: BytesLike, signature: RawSignature): void {
  const { r, s } = toLowS(signature);
  const candidates = ([0, 1] as const).map((yParity) =>
    recoverAddress(digest, { r: toBeHex(r, 32), s: toBeHex(s, 32), yParity }),
  );
  if (!candidates.includes(address)) throw new Error(`the signature is not by ${address}`);
}

/** @throws an Error where the serialized transaction is not signed by `address`. */
export function requireTransactionBy(address: string, serialized: string): void {
  const { from } = Transaction.from(serialized);
  if (from !== address) throw new Error(`the transaction is by ${from} instead of ${address}`);
}
