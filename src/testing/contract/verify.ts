import { secp256k1 } from "@noble/curves/secp256k1.js";
import { getBytes, keccak256, sha256 } from "ethers";
import { type RawSignature, toLowS } from "../../core/signature.ts";
import { verifySignature } from "../../core/verify.ts";
import type { RemoteKey } from "../../signer/remote-key.ts";
import { expect, started } from "./expectation.ts";

/** Asks for a signature, and requires it to be the key's over this digest. */
export async function signAndVerify(key: RemoteKey, digest: Uint8Array): Promise<void> {
  const publicKey = await key.getPublicKey();
  const asked = digest.slice();
  const signature = await started(() => key.signDigest(digest), "signDigest");
  requireValid(publicKey, asked, signature);
}

/** Requires numbers in range that verify. */
export function requireValid(publicKey: Uint8Array, digest: Uint8Array, signature: RawSignature): void {
  expect(typeof signature === "object" && signature !== null, "signDigest must return { r, s }");
  for (const name of ["r", "s"] as const) {
    const value: unknown = signature[name];
    expect(typeof value === "bigint", `${name} must be a bigint; it is ${typeof value}`);
    expect(value >= 1n && value < secp256k1.Point.Fn.ORDER, `${name} must be in 1..n-1`);
  }
  if (isValid(publicKey, digest, signature)) return;
  for (const [name, hash] of [
    ["SHA-256", sha256],
    ["Keccak-256", keccak256],
  ] as const) {
    const hashed = isValid(publicKey, getBytes(hash(digest)), signature);
    expect(!hashed, `the signature is over the ${name} of the digest: sign the 32 bytes as they are`);
  }
  expect(false, "the signature is not by the public key over the digest");
}

function isValid(publicKey: Uint8Array, digest: Uint8Array, signature: RawSignature): boolean {
  return verifySignature(publicKey, digest, toLowS(signature)) !== undefined;
}
