import { Buffer } from "node:buffer";
import { createPrivateKey, createPublicKey, KeyObject, verify } from "node:crypto";
import { types } from "node:util";
import { assertArgument } from "ethers";

/** An approver's RSA-2048 private key: PEM without a passphrase, DER (PKCS#8 or PKCS#1), or Node's KeyObject. */
export type RsaPrivateKey = string | Uint8Array | KeyObject;

/** A registered RSA-2048 public key: PEM, DER (SubjectPublicKeyInfo), or Node's KeyObject. */
export type RsaPublicKey = string | Uint8Array | KeyObject;

/** The only size that CloudHSM's quorum accepts. */
const MODULUS_BITS = 2048;
/** FIPS 186-5, appendix A.1.1. With an exponent of 1 anything is a signature of itself, and 3 has been forged. */
const MIN_EXPONENT = 65_537n;

/** @throws ethers' INVALID_ARGUMENT, which never shows the key. */
export function readPrivateKey(key: RsaPrivateKey): KeyObject {
  const found = attempt(() => {
    if (key instanceof KeyObject) return key;
    if (typeof key === "string") return createPrivateKey(key);
    return privateKeyFromDer(Buffer.from(key));
  });
  const isRight = found?.type === "private" && isRsa2048(found);
  const hint = "a PEM with a passphrase is opened by node:crypto's createPrivateKey({ key, passphrase })";
  assertArgument(
    isRight,
    `the private key must be an RSA-2048 key with a public exponent of at least 65,537: PEM, DER or KeyObject; ${hint}`,
    "key",
    "[REDACTED]",
  );
  return found;
}

/** @throws ethers' INVALID_ARGUMENT, also for a private key: it has no place among registered ones. */
export function readPublicKey(key: RsaPublicKey, owner: string): KeyObject {
  const found = attempt(() => {
    if (key instanceof KeyObject) return key;
    if (typeof key !== "string") return createPublicKey({ key: Buffer.from(key), format: "der", type: "spki" });
    return key.includes("PRIVATE") ? undefined : createPublicKey(key);
  });
  const isRight = found?.type === "public" && isRsa2048(found);
  assertArgument(
    isRight,
    `the public key of ${owner} must be an RSA-2048 key with an exponent of at least 65,537: PEM, DER or KeyObject`,
    "key",
    "[REDACTED]",
  );
  return found;
}

/** RSASSA-PKCS1-v1_5 (RFC 8017, section 8.2.2) with SHA-256. */
export function isSignedBy(publicKey: KeyObject, approvalData: Uint8Array, signature: Uint8Array): boolean {
  return verify("sha256", approvalData, publicKey, signature);
}

function privateKeyFromDer(der: Buffer): KeyObject {
  const read = (type: "pkcs8" | "pkcs1") => attempt(() => createPrivateKey({ key: der, format: "der", type }));
  const key = read("pkcs8") ?? read("pkcs1");
  if (key === undefined) throw new TypeError("no private key");
  return key;
}

function isRsa2048(key: KeyObject): boolean {
  const { modulusLength, publicExponent = 0n } = key.asymmetricKeyDetails ?? {};
  return key.asymmetricKeyType === "rsa" && modulusLength === MODULUS_BITS && publicExponent >= MIN_EXPONENT;
}

// OpenSSL's errors name no fault that a caller could mend, and must not carry a key into a log.
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

export function isKeyInput(value: unknown): value is RsaPrivateKey {
  return typeof value === "string" || types.isUint8Array(value) || value instanceof KeyObject;
}
