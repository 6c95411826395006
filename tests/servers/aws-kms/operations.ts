import { createHash } from "node:crypto";
import type { SignatureShape } from "../support/secp256k1-key.ts";
import { KmsException } from "./exceptions.ts";
import type { KeyRing, KmsKeyRecord } from "./key-ring.ts";

/** A request's or an answer's JSON. Bytes are base64, as in AWS JSON 1.1. */
export type Json = Readonly<Record<string, unknown>>;

/** https://docs.aws.amazon.com/kms/latest/APIReference/API_GetPublicKey.html */
export function getPublicKey(ring: KeyRing, input: Json): Json {
  const key = ring.find(requireText(input, "KeyId"));
  // A disabled key still shows its public half (Developer Guide, "Key states of AWS KMS keys").
  if (key.state !== "Disabled") requireUsable(key);
  if (!key.spki) throw new KmsException("UnsupportedOperationException", "");
  const { arn, spec, usage, algorithms } = key;
  return {
    KeyId: arn,
    PublicKey: base64(key.spki),
    CustomerMasterKeySpec: spec,
    KeySpec: spec,
    KeyUsage: usage,
    ...(usage === "SIGN_VERIFY" ? { SigningAlgorithms: algorithms } : {}),
  };
}

/** https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html */
export function sign(ring: KeyRing, input: Json, shape: SignatureShape = {}): Json {
  const key = ring.find(requireText(input, "KeyId"));
  const algorithm = requireText(input, "SigningAlgorithm");
  const message = Buffer.from(requireText(input, "Message"), "base64");
  requireUsable(key);
  if (key.usage !== "SIGN_VERIFY") {
    const text = `${key.arn} key usage is ${key.usage} which is not valid for Sign.`;
    throw new KmsException("InvalidKeyUsageException", text);
  }
  if (!key.signer || !key.algorithms.includes(algorithm)) {
    throw new KmsException(
      "InvalidKeyUsageException",
      `Algorithm ${algorithm} is incompatible with key spec ${key.spec}.`,
    );
  }
  const digest = digestOf(input, message);
  if (input["DryRun"] === true) {
    const text = "The request would have succeeded, but the DryRun option is set.";
    throw new KmsException("DryRunOperationException", text);
  }
  return {
    KeyId: key.arn,
    Signature: base64(key.signer.signDer(digest, shape)),
    SigningAlgorithm: algorithm,
  };
}

function digestOf(input: Json, message: Uint8Array): Uint8Array {
  // Without a MessageType the message is hashed: RAW is the default.
  if (input["MessageType"] !== "DIGEST") return new Uint8Array(createHash("sha256").update(message).digest());
  if (message.length === 32) return new Uint8Array(message);
  throw new KmsException("ValidationException", "Digest is invalid length for algorithm ECDSA_SHA_256.");
}

/** https://docs.aws.amazon.com/kms/latest/APIReference/API_DescribeKey.html */
export function describeKey(ring: KeyRing, input: Json): Json {
  return { KeyMetadata: metadataOf(ring.find(requireText(input, "KeyId"))) };
}

export function metadataOf(key: KmsKeyRecord): Json {
  const { keyId, arn, spec, usage, state, algorithms, manager, origin, expirationModel } = key;
  return {
    ...{ KeyId: keyId, Arn: arn, KeyManager: manager, Origin: origin, Description: key.description },
    ...{ Enabled: state === "Enabled", KeyState: state },
    ...{ KeySpec: spec, KeyUsage: usage, SigningAlgorithms: algorithms, MultiRegion: keyId.startsWith("mrk-") },
    ...(expirationModel === undefined ? {} : { ExpirationModel: expirationModel }),
  };
}

/** https://docs.aws.amazon.com/kms/latest/APIReference/API_ListKeys.html */
export function listKeys(ring: KeyRing, input: Json): Json {
  const { items, ...rest } = page(ring.keys, input, 100);
  return { Keys: items.map(({ keyId, arn }) => ({ KeyId: keyId, KeyArn: arn })), ...rest };
}

/** https://docs.aws.amazon.com/kms/latest/APIReference/API_ListAliases.html */
export function listAliases(ring: KeyRing, input: Json): Json {
  const only = typeof input["KeyId"] === "string" ? ring.find(input["KeyId"]) : undefined;
  const aliases = [...ring.aliases].filter(([, key]) => only === undefined || key === only);
  const { items, ...rest } = page(aliases, input, 50);
  const entries = items.map(([name, key]) => {
    return { AliasName: name, AliasArn: ring.aliasArn(name), TargetKeyId: key.keyId };
  });
  return { Aliases: entries, ...rest };
}

/** https://docs.aws.amazon.com/kms/latest/APIReference/API_ListResourceTags.html */
export function listResourceTags(ring: KeyRing, input: Json): Json {
  const { tags } = ring.find(requireText(input, "KeyId"));
  const { items, ...rest } = page(Object.entries(tags), input, 50);
  return { Tags: items.map(([TagKey, TagValue]) => ({ TagKey, TagValue })), ...rest };
}

function page<T>(all: readonly T[], input: Json, standard: number) {
  const limit = typeof input["Limit"] === "number" ? input["Limit"] : standard;
  const start = typeof input["Marker"] === "string" ? Number(input["Marker"]) : 0;
  const end = start + limit;
  const more = end < all.length;
  return { items: all.slice(start, end), Truncated: more, ...(more ? { NextMarker: String(end) } : {}) };
}

function requireUsable({ arn, state }: KmsKeyRecord): void {
  if (state === "Enabled") return;
  if (state === "Disabled") throw new KmsException("DisabledException", `${arn} is disabled.`);
  const text = `${arn} is pending ${state === "PendingDeletion" ? "deletion" : "import"}.`;
  throw new KmsException("KMSInvalidStateException", text);
}

export function requireText(input: Json, field: string): string {
  const value = input[field];
  if (typeof value === "string" && value.length > 0 && value.length <= 2048 * 4) return value;
  const member = `${field.charAt(0).toLowerCase()}${field.slice(1)}`;
  const text = `1 validation error detected: Value at '${member}' failed to satisfy constraint: Member must not be null`;
  throw new KmsException("ValidationException", text);
}

export function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}
