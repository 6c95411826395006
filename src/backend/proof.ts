import { getAddress, hexlify, randomBytes } from "ethers";
import { SignerError } from "../core/errors.ts";
import type { Verifier } from "../core/verify.ts";
import type { RemoteKey } from "../signer/remote-key.ts";
import { RemoteSigner } from "../signer/remote-signer.ts";
import { PrivateKey } from "./private-key.ts";

/**
 * Runs an import with the caller's private key, which is wiped afterwards.
 *
 * @throws ethers' INVALID_ARGUMENT for what is not a private key or an address; SignerError ADDRESS_MISMATCH, before anything is made.
 */
export async function withPrivateKey<T>(
  privateKey: Uint8Array | string,
  expectedAddress: string | undefined,
  backend: string,
  task: (privateKey: PrivateKey) => Promise<T>,
): Promise<T> {
  const material = new PrivateKey(privateKey);
  try {
    requireAddress(material.address, expectedAddress, backend);
    return await task(material);
  } finally {
    material.wipe();
  }
}

/** @throws SignerError ADDRESS_MISMATCH, before anything is made; ethers' INVALID_ARGUMENT if the expected one is not an address. */
function requireAddress(actual: string, expectedAddress: string | undefined, backend: string): void {
  const expected = expectedAddress === undefined ? actual : getAddress(expectedAddress);
  if (expected === actual) return;
  throw new SignerError(
    "ADDRESS_MISMATCH",
    `the private key is the account ${actual}, not the expectedAddress ${expected}; nothing was made. Correct one of the two`,
    { backend, operation: "importKey", info: { expected, actual } },
  );
}

/** Lets a key sign a message that states its purpose and is not a transaction, and verifies the signature as any signer does. */
export async function proveKey(
  key: RemoteKey,
  expectedAddress: string,
  { timeout, verifier }: { readonly timeout: number; readonly verifier: Verifier | undefined },
): Promise<void> {
  const signer = new RemoteSigner(key, null, { expectedAddress, timeout, verifier });
  const nonce = hexlify(randomBytes(16));
  await signer.signMessage(`ethers-hsm proves that ${key.id} signs for ${expectedAddress}: ${nonce}`);
}
