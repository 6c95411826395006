import { randomBytes } from "node:crypto";
import { SignerError } from "../core/errors.ts";
import type { Verifier } from "../core/verify.ts";
import type { RemoteKey } from "../signer/remote-key.ts";
import { RemoteSigner } from "../signer/remote-signer.ts";
import type { Pkcs11Session } from "./session.ts";
import type { SigningObject } from "./signing-object.ts";

interface Expected {
  readonly backend: string;
  readonly id: string;
  readonly address: string;
  readonly verifier: Verifier | undefined;
}

// The proof waits for the module as long as that takes: its session cannot be used before.
const NO_TIMEOUT = 2 ** 31 - 1;

/** Lets a key sign a random digest, and verifies the signature as any signer's. @throws what a signer throws. */
export async function proveKey(
  session: Pkcs11Session,
  key: SigningObject,
  { backend, id, address, verifier }: Expected,
): Promise<void> {
  const remoteKey: RemoteKey = {
    backend,
    id,
    getPublicKey: async () => key.publicKey,
    signDigest: (digest) => session.sign(key, digest),
  };
  const signer = new RemoteSigner(remoteKey, null, { expectedAddress: address, timeout: NO_TIMEOUT, verifier });
  await signer.signDigest(Uint8Array.from(randomBytes(32)));
}

/** @throws SignerError ADDRESS_MISMATCH. */
export function requireAddress(expected: string | undefined, actual: string, backend: string): void {
  if (expected === undefined || expected === actual) return;
  throw new SignerError(
    "ADDRESS_MISMATCH",
    `the private key is the account ${actual}, not the expectedAddress ${expected}; correct one of the two. Nothing was ` +
      "imported",
    { backend, operation: "importKey", info: { expected, actual } },
  );
}
