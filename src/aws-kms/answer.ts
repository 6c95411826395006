import type { GetPublicKeyCommandOutput, ServiceOutputTypes } from "@aws-sdk/client-kms";
import { copyBytes } from "../core/bytes.ts";
import { invalidResponse, isSignerError, SignerError } from "../core/errors.ts";
import { publicKeyFromSpki } from "../core/public-key.ts";
import { canName } from "./key-name.ts";

/** What GetPublicKey told of a key that can sign for Ethereum. */
export interface PublishedKey {
  /** The key ARN. */
  readonly arn: string;
  /** 65 bytes, SEC1 uncompressed. */
  readonly publicKey: Uint8Array;
}

/** Runs `decode`, and adds the operation and the request's id, which CloudTrail has too, to the error that it throws. */
export function decodeAnswer<T>({ $metadata }: ServiceOutputTypes, operation: string, decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    if (!isSignerError(error)) throw error;
    const { code, message, retryable, info, cause } = error;
    throw new SignerError(code, message, { operation, retryable, requestId: $metadata.requestId, info, cause });
  }
}

/**
 * The key ARN of an answer.
 *
 * @throws SignerError BACKEND_RESPONSE_INVALID where it is missing or cannot belong to what was asked for. A key ARN names
 *   one key for good, so this is not a key that changed: what answered is not KMS, or it mixed up its answers.
 */
export function requireKeyArn(answered: string | undefined, asked: string): string {
  if (typeof answered === "string" && answered !== "" && canName(asked, answered)) return answered;
  throw invalidResponse(
    `KMS answered for the key ${answered ?? "(none named)"} when asked for ${asked}; nothing was returned. Check what ` +
      "stands between here and KMS: a proxy, a custom endpoint, the client's middleware",
    { info: { expected: asked, actual: answered } },
  );
}

/**
 * The key of GetPublicKey's answer.
 *
 * @throws SignerError KEY_UNUSABLE where it cannot sign for Ethereum; BACKEND_RESPONSE_INVALID where the answer is not
 *   complete, not to this request, or no public key.
 */
export function requireUsableKey(answer: GetPublicKeyCommandOutput, asked: string): PublishedKey {
  const arn = requireKeyArn(answer.KeyId, asked);
  // The older name of the same field, which is all that some emulators send.
  requireProperty(arn, "KeySpec", "ECC_SECG_P256K1", answer.KeySpec ?? answer.CustomerMasterKeySpec);
  requireProperty(arn, "KeyUsage", "SIGN_VERIFY", answer.KeyUsage);
  requireProperty(arn, "SigningAlgorithms", "ECDSA_SHA_256", answer.SigningAlgorithms);
  return { arn, publicKey: publicKeyFromSpki(copyBytes(answer.PublicKey, "PublicKey")) };
}

function requireProperty(arn: string, name: string, needed: string, actual: string | readonly string[] | undefined) {
  if (actual === undefined) throw invalidResponse(`GetPublicKey's answer for ${arn} lacks ${name}`);
  if (actual === needed || (typeof actual === "object" && actual.includes(needed))) return;
  throw new SignerError(
    "KEY_UNUSABLE",
    `the key ${arn} has ${name} ${String(actual) || "(none)"} where Ethereum needs ${needed}; neither can be changed. ` +
      "Create a key with KeySpec ECC_SECG_P256K1 and KeyUsage SIGN_VERIFY",
  );
}
