import type { RemoteSigner } from "./remote-signer.ts";

/** The signer, once its public key was fetched; where that fails it is closed, and the failure is thrown. */
export async function opened<Signer extends RemoteSigner>(signer: Signer): Promise<Signer> {
  try {
    await signer.getAddress();
    return signer;
  } catch (error) {
    await signer.close();
    throw error;
  }
}
