import type { GetPublicKeyCommandOutput, ServiceOutputTypes } from "@aws-sdk/client-kms";
import { copyBytes } from "../core/bytes.ts";
import { invalidResponse, isSignerError, SignerError } from "../core/errors.ts";
import { publicKeyFromSpki } from "../core/public-key.ts";

/** What GetPublicKey says of a key that can sign for Ethereum. */
export interface PublishedKey {
  /** The key ARN. */
  readonly arn: string;
  /** 65 bytes, SEC1 uncompressed. */
  readonly publicKey: Uint8Array;
}

/** Runs `decode`, and adds the operation and the request's id, which CloudTrail has too, to the error that it throws. */
export function decodeResponse<T>({ $metadata }: ServiceOutputTypes, operation: string, decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    if (!isSignerError(error)) throw error;
    const { code, message, retryable, info, cause } = error;
    throw new SignerError(code, message, { operation, retryable, requestId: $metadata.requestId, info, cause });
  }
}

/**
 * The key ARN of a response.
 *
 * @throws SignerError BACKEND_RESPONSE_INVALID if it is missing or cannot belong to the key that was requested. A key ARN always names
 *   the same key, so this is not a key that changed: the response did not come from KMS, or to another request.
 */
export function requireKeyArn(answered: string | undefined, requested: string): string {
  if (typeof answered === "string" && answered !== "" && canName(requested, answered)) return answered;
  throw invalidResponse(
    `KMS responded for the key ${answered ?? "(none named)"} when asked for ${requested}; nothing was returned. Check what is ` +
      "between this machine and KMS: a proxy, a custom endpoint, the client's middleware",
    { info: { expected: requested, actual: answered } },
  );
}

/**
 * The key of GetPublicKey's response.
 *
 * @throws SignerError KEY_UNUSABLE if it cannot sign for Ethereum; BACKEND_RESPONSE_INVALID if the response is not
 *   complete, not to this request, or has no public key.
 */
export function requireUsableKey(response: GetPublicKeyCommandOutput, requested: string): PublishedKey {
  const arn = requireKeyArn(response.KeyId, requested);
  // The older name of the same field is all that some emulators send.
  requireProperty(arn, "KeySpec", "ECC_SECG_P256K1", response.KeySpec ?? response.CustomerMasterKeySpec);
  requireProperty(arn, "KeyUsage", "SIGN_VERIFY", response.KeyUsage);
  requireProperty(arn, "SigningAlgorithms", "ECDSA_SHA_256", response.SigningAlgorithms);
  return { arn, publicKey: publicKeyFromSpki(copyBytes(response.PublicKey, "PublicKey")) };
}

function requireProperty(arn: string, name: string, needed: string, actual: string | readonly string[] | undefined) {
  if (actual === undefined) throw invalidResponse(`GetPublicKey's response for ${arn} lacks ${name}`);
  if (actual === needed || (typeof actual === "object" && actual.includes(needed))) return;
  throw new SignerError(
    "KEY_UNUSABLE",
    `the key ${arn} has ${name} ${String(actual) || "(none)"}, but Ethereum needs ${needed}; neither can be changed. ` +
      "Create a key with KeySpec ECC_SECG_P256K1 and KeyUsage SIGN_VERIFY",
  );
}

// https://docs.aws.amazon.com/kms/latest/developerguide/concepts-key-id.html
const ARN = /^(?<head>arn:[\w-]+:kms:)(?<region>[\w-]+)(?<tail>:\d+:(?<resource>(?:key|alias)\/.+))$/;

/** The Region in a key ARN or an alias ARN; undefined for a key id and an alias name, which have none. */
export function regionOf(identifier: string): string | undefined {
  return ARN.exec(identifier)?.groups?.["region"];
}

/** The same key's identifier in another Region; undefined for a key of one Region. A key's alias may name another key there. */
export function inRegion(identifier: string, region: string): string | undefined {
  const resource = resourceOf(identifier);
  if (!resource.startsWith("alias/") && !keyIdOf(resource).startsWith("mrk-")) return undefined;
  const { head, tail } = ARN.exec(identifier)?.groups ?? {};
  return head === undefined ? identifier : `${head}${region}${tail}`;
}

/**
 * Whether a response about the key `answered` can be the response to a request for `requested`.
 *
 * An alias may name any key. A key id is the last part of the key ARN; AWS always responds with the key ARN, emulators at
 * times with the key id alone. Two key ARNs must be equal: the replicas of a Multi-Region key differ in their Region.
 */
export function canName(requested: string, answered: string): boolean {
  const resource = resourceOf(requested);
  if (resource.startsWith("alias/") || requested === answered) return true;
  const bothArns = ARN.test(requested) && ARN.test(answered);
  return !bothArns && keyIdOf(resource) === keyIdOf(resourceOf(answered));
}

function resourceOf(identifier: string): string {
  return ARN.exec(identifier)?.groups?.["resource"] ?? identifier;
}

function keyIdOf(resource: string): string {
  return resource.replace(/^key\//, "");
}
