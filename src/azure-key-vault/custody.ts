import type { KeyVaultKey } from "@azure/keyvault-keys";
import { encodeBase64 } from "ethers";
import { copyBytes } from "../core/bytes.ts";
import { invalidResponse, isSignerError } from "../core/errors.ts";
import { findingsBy, type KeyAttestation, type KeyCustody } from "../signer/custody.ts";
import { formatKeyUrl } from "./key-url.ts";
import { type KeyVersion, versionUrl } from "./key-version.ts";

/**
 * What a key's properties say of its protection. That it was imported they do not say; only a Managed HSM's attestation does.
 *
 * https://learn.microsoft.com/en-us/azure/key-vault/keys/about-keys
 */
export function readCustody({ keyType, properties }: KeyVaultKey): KeyCustody {
  const isHsm = keyType === "EC-HSM";
  const { exportable, releasePolicy, hsmPlatform } = properties;
  const mayLeave = exportable === true || releasePolicy !== undefined;
  const platform = isHsm && typeof hsmPlatform === "string" ? `, hsmPlatform ${hsmPlatform.slice(0, 64)}` : "";
  const unsaid = "Azure's properties of a key do not state it";
  return {
    findings: findingsBy("api", [
      ["hardware", isHsm, `kty is ${keyType}${platform}`],
      ["generatedInside", "unknown", unsaid],
      ["importedMaterial", "unknown", unsaid],
      ["neverExtractable", mayLeave ? false : "unknown", mayLeave ? "exportable is true" : unsaid],
      ["exportable", mayLeave, mayLeave ? "it can leave by secure key release" : "exportable is not set"],
      ["replicated", "unknown", unsaid],
    ]),
  };
}

/**
 * A Managed HSM's statement about the version.
 *
 * https://learn.microsoft.com/en-us/azure/key-vault/managed-hsm/key-attestation
 *
 * @throws SignerError BACKEND_RESPONSE_INVALID if the response is not about the version, or has another form.
 */
export function readAttestation(key: KeyVaultKey, { url }: KeyVersion): KeyAttestation | undefined {
  versionUrl(key, url);
  const { attestation, createdOn } = key.properties;
  if (!attestation) return undefined;
  const { certificatePemFile, privateKeyAttestation } = attestation;
  if (!certificatePemFile || !privateKeyAttestation) throw invalidResponse("the attestation is not complete");
  return {
    format: "marvell",
    service: "azure-key-vault",
    keyName: formatKeyUrl(url),
    statement: encodeBase64(copyBytes(privateKeyAttestation, "privateKeyAttestation")),
    certificates: new TextDecoder().decode(copyBytes(certificatePemFile, "certificatePemFile")),
    madeAt: createdOn?.toISOString(),
  };
}

// What a vault, and a Managed HSM without attestations, answers to a request that it does not know.
const NOT_OFFERED: readonly unknown[] = [400, 404, 405, 501];

/** Whether the service says that it has no attestations; a page of something in its place does not. */
export function isNotOffered(error: unknown): boolean {
  return (
    isSignerError(error) &&
    error.code !== "BACKEND_RESPONSE_INVALID" &&
    NOT_OFFERED.includes(error.info?.["statusCode"])
  );
}
