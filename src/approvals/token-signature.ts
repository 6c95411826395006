import { createHash, createPublicKey, type KeyObject, sign } from "node:crypto";
import { assertArgument, encodeBase64 } from "ethers";
import { copyBytes } from "../core/bytes.ts";
import { invalidResponse } from "../core/errors.ts";
import { quorumError } from "./errors.ts";
import { isKeyInput, isSignedBy, type RsaPrivateKey, readPrivateKey } from "./rsa-key.ts";

/**
 * Signs a token with an RSA-2048 key that lives elsewhere: RSASSA-PKCS1-v1_5 with SHA-256.
 *
 * @param token the SHA-256 of the approval data, 32 bytes: for a key that takes a digest. It must not be hashed again.
 * @param approvalData the same before it was hashed: for a key that hashes.
 * @returns the signature, 256 bytes.
 */
export type QuorumTokenSigner = (token: Uint8Array, approvalData: Uint8Array) => Uint8Array | Promise<Uint8Array>;

const SIGNATURE_LENGTH = 256;

/** A signature of `approvalData` in base64, verified where the public key is known. */
export async function signApprovalData(
  approvalData: Uint8Array,
  key: RsaPrivateKey | QuorumTokenSigner,
  knownPublicKey: KeyObject | undefined,
): Promise<string> {
  if (typeof key === "function") {
    const token = createHash("sha256").update(approvalData).digest();
    const signature = copyBytes(await key(token, Uint8Array.from(approvalData)), "the approver's signature");
    if (signature.length !== SIGNATURE_LENGTH) {
      throw invalidResponse(`the approver's signature has ${signature.length} bytes, not ${SIGNATURE_LENGTH}`);
    }
    return verified(signature, knownPublicKey);
  }
  assertArgument(
    isKeyInput(key),
    "the key must be PEM, DER, a KeyObject or a function that signs",
    "key",
    "[REDACTED]",
  );
  const privateKey = readPrivateKey(key);
  return verified(sign("sha256", approvalData, privateKey), knownPublicKey ?? createPublicKey(privateKey));

  function verified(signature: Uint8Array, publicKey: KeyObject | undefined): string {
    if (publicKey !== undefined && !isSignedBy(publicKey, approvalData, signature)) {
      throw quorumError("bad-signature", "the signature of the token is not by the key of the given public key");
    }
    return encodeBase64(signature);
  }
}
