import type { Hex } from "viem";
import type { RemoteSigner } from "../signer/remote-signer.ts";

/** A signature in viem's words, with all that `privateKeyToAccount` hands to a serializer: v is 27 or 28 for every type. */
export interface ViemSignature {
  readonly r: Hex;
  readonly s: Hex;
  readonly v: bigint;
  readonly yParity: number;
}

/** A hex string of ethers as viem's type of it: both write lower case, and addresses with the checksum of EIP-55. */
export function asHex(text: string): Hex {
  return text as Hex;
}

/** Signs exactly the 32 bytes of `hash`. @throws ethers' INVALID_ARGUMENT "invalid digest length". */
export async function signHash(signer: RemoteSigner, hash: Hex): Promise<ViemSignature> {
  const { r, s, v, yParity } = await signer.signDigest(hash);
  return { r: asHex(r), s: asHex(s), v: BigInt(v), yParity };
}

/** The same as 65 bytes: r, s, v with v 27 or 28. */
export async function signHashToHex(signer: RemoteSigner, hash: Hex): Promise<Hex> {
  const { serialized } = await signer.signDigest(hash);
  return asHex(serialized);
}
