import type { KeyVaultKey } from "@azure/keyvault-keys";
import { keyChanged } from "../backend/key-changed.ts";
import { invalidResponse, SignerError } from "../core/errors.ts";
import { addressFromPublicKey, publicKeyFromJwk } from "../core/public-key.ts";
import { formatKeyUrl, type KeyUrl, parseKeyUrl } from "./key-url.ts";

/** One version of a key, which is one account. */
export interface KeyVersion {
  /** With the version, as the vault itself names it. */
  readonly url: KeyUrl & { readonly version: string };
  /** 65 bytes, SEC1 uncompressed. */
  readonly publicKey: Uint8Array;
  readonly algorithm: "ES256K" | "ECDSA256";
}

/**
 * The URL of the version that the vault responded with.
 *
 * @throws SignerError BACKEND_RESPONSE_INVALID if it is not what was requested. The host may differ: a private name of the
 *   vault, or another region's of a Managed HSM, gets the vault's own name in the response.
 */
export function versionUrl(key: KeyVaultKey, asked: KeyUrl): KeyVersion["url"] {
  const url = parseKeyUrl(key.id);
  const same = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();
  if (url?.version === undefined || !same(url.name, asked.name) || !same(url.version, asked.version ?? url.version)) {
    throw invalidResponse(`asked for ${formatKeyUrl(asked)}, the vault responded with ${describe(key.id)}`);
  }
  return { ...url, version: url.version };
}

/**
 * The version, if it can sign for Ethereum now.
 *
 * @throws SignerError KEY_UNUSABLE for another type or curve, a key that may not sign, is disabled, or is outside its dates.
 */
export function usableVersion(key: KeyVaultKey, asked: KeyUrl): KeyVersion {
  const url = versionUrl(key, asked);
  const publicKey = publicKeyFromJwk({ ...key.key, kty: key.keyType });
  requireSigning(key, formatKeyUrl(url));
  // Keys from before 2018 have the curve's old name, and the old name of the algorithm with it.
  return { url, publicKey, algorithm: key.key?.crv === "SECP256K1" ? "ECDSA256" : "ES256K" };
}

/** Whether it is a key of secp256k1, by its curve's names in Azure, whatever else is wrong with it. */
export function isSecp256k1({ key }: KeyVaultKey): boolean {
  return key?.crv === "P-256K" || key?.crv === "SECP256K1";
}

/** The address of the version, for messages; undefined if it is not the key of an account. */
export function addressOf(key: KeyVaultKey): string | undefined {
  try {
    return addressFromPublicKey(publicKeyFromJwk({ ...key.key, kty: key.keyType }));
  } catch {
    return undefined;
  }
}

function requireSigning({ keyOperations, properties }: KeyVaultKey, url: string): void {
  const { enabled, notBefore, expiresOn } = properties;
  const now = Date.now();
  if (keyOperations !== undefined && !keyOperations.includes("sign")) {
    const operations = keyOperations.map(describe).join(", ");
    throw unusable(
      `${url} may not sign (key_ops: ${operations}); allow it (az keyvault key set-attributes --ops sign verify)`,
    );
  }
  if (enabled === false) {
    throw unusable(`${url} is disabled; enable it (az keyvault key set-attributes --enabled true)`);
  }
  if (notBefore !== undefined && now < notBefore.getTime()) {
    throw unusable(`${url} is not valid before ${isoTime(notBefore)} (nbf); wait, or change the date`);
  }
  if (expiresOn !== undefined && now > expiresOn.getTime()) {
    throw unusable(`${url} expired at ${isoTime(expiresOn)} (exp); change the date, or use another version`);
  }
}

function unusable(message: string): SignerError {
  return new SignerError("KEY_UNUSABLE", message);
}

function isoTime(date: Date): string {
  return Number.isNaN(date.getTime()) ? "an unknown time" : date.toISOString();
}

function describe(value: unknown): string {
  return typeof value === "string" ? value.slice(0, 300) : typeof value;
}

/** @param current its URL as the vault has it. */
export function versionChanged(
  what: string,
  { url, publicKey }: KeyVersion,
  current: { readonly keyId: string; readonly address: string | undefined },
): SignerError {
  const hint = "To keep the former set keyVersion to its version; for the new account construct a new signer";
  return keyChanged(what, hint, { keyId: formatKeyUrl(url), publicKey }, current);
}
