import { assertArgument } from "ethers";
import { SignerError } from "../core/errors.ts";

/**
 * What is known of where a private key is kept, from weakest to strongest. `unknown`: nothing is stated, or what was stated failed its check.
 * `claimed-…`: the service or the library says so. `proven-hsm`: an HSM signed a statement about this public key, and it was verified.
 */
export type CustodyLevel = "unknown" | "claimed-software" | "claimed-hsm" | "proven-hsm";

/**
 * - `hardware`: the private key is in an HSM.
 * - `generatedInside`: it was made where it is kept.
 * - `neverExtractable`: it could not leave at any time since it was made.
 * - `exportable`: it can leave now, in the clear or wrapped.
 * - `importedMaterial`: it was brought from outside, where a copy may exist.
 * - `replicated`: the backend keeps it in more than one place, for example in several Regions.
 */
export type CustodyProperty =
  | "hardware"
  | "generatedInside"
  | "neverExtractable"
  | "exportable"
  | "importedMaterial"
  | "replicated";

/** One fact about a key, and who states it. */
export interface CustodyFinding {
  /** Which property. */
  readonly property: CustodyProperty;
  /** Whether it holds. */
  readonly value: boolean | "unknown";
  /** `api`: the service's response. `attribute`: a PKCS#11 library's. `attestation`: a verified statement signed by an HSM. */
  readonly source: "api" | "attribute" | "attestation";
  /** What was read, in the vendor's words. */
  readonly reason: string;
}

/** Findings of one source. */
export function findingsBy(
  source: CustodyFinding["source"],
  rows: readonly (readonly [CustodyProperty, CustodyFinding["value"], reason: string])[],
): CustodyFinding[] {
  return rows.map(([property, value, reason]) => ({ property, value, source, reason }));
}

/** A statement about a key that an HSM signed, as the service returned it. It is not verified. */
export interface KeyAttestation {
  /** Marvell LiquidSecurity, the HSMs of Google Cloud KMS and Azure Managed HSM. */
  readonly format: "marvell";
  /** The service that returned it, which decides the owner whose certificates are expected, and how the key is named. */
  readonly service: "gcp-kms" | "azure-key-vault";
  /** The key as the service names it. */
  readonly keyName: string;
  /** Base64 of the statement, with or without gzip. */
  readonly statement: string;
  /** PEM of the HSM's certificates, in any order. */
  readonly certificates: string;
  /** When the key was made, as the service says (RFC 3339). */
  readonly madeAt?: string | undefined;
}

/** What a backend knows of a key's protection: the claims, and the evidence. */
export interface KeyCustody {
  /** The claims. */
  readonly findings: readonly CustodyFinding[];
  /** undefined if the service offers none. */
  readonly evidence?: KeyAttestation | undefined;
}

/** The outcome of an attestation's check. */
export type AttestationResult =
  | {
      /** Every check passed. */
      readonly status: "verified";
      /** What the HSM states. */
      readonly findings: readonly CustodyFinding[];
      /** The subject of the certificate that signed the statement. */
      readonly hsm: string;
      /** Who certified the HSM as its own; undefined if that is not proven. */
      readonly owner: string | undefined;
    }
  | {
      /** A check failed. */
      readonly status: "refused";
      /** Which check failed. */
      readonly step: AttestationStep;
      /** What is wrong, in a sentence. */
      readonly reason: string;
    };

/** The checks of an attestation, in their order. */
export type AttestationStep =
  | "format"
  | "certificates"
  | "signature"
  | "manufacturer"
  | "owner"
  | "validity"
  | "attributes"
  | "public-key"
  | "name";

/** Verifies an attestation against the key's public key: 65 bytes, SEC1 uncompressed. `ethers-hsm/attestation` has one. */
export type AttestationVerifier = (evidence: KeyAttestation, publicKey: Uint8Array) => AttestationResult;

/** Where a private key is kept, as far as that is known: plain data, without a secret. */
export interface CustodyReport extends KeyCustody {
  /** The claims, and what a verified attestation says. */
  readonly findings: readonly CustodyFinding[];
  /** The kind of backend. */
  readonly backend: string;
  /** The vendor's identifier of the key. */
  readonly keyId: string;
  /** With the checksum of EIP-55. */
  readonly address: string;
  /** 65 bytes, SEC1 uncompressed, as hex with 0x. */
  readonly publicKey: string;
  /** What the findings support. */
  readonly level: CustodyLevel;
  /** What became of the evidence; undefined if there is none. */
  readonly attestation: AttestationResult | { readonly status: "unchecked"; readonly reason: string } | undefined;
  /** Of a key with replicas: the report of each, in order of preference. `level` is then the weakest of theirs. */
  readonly replicas?: readonly CustodyReport[];
}

/** What a key must show before it may sign. A property must be found with this value, and by no source with another. */
export type CustodyRequirement = { readonly [Property in CustodyProperty]?: boolean | undefined } & {
  /** The weakest level that is accepted. */
  readonly level?: "claimed-hsm" | "proven-hsm" | undefined;
  /** Needed for `proven-hsm`: `verifyAttestation` of `ethers-hsm/attestation`. */
  readonly verifyAttestation?: AttestationVerifier | undefined;
};

const PROPERTIES: readonly CustodyProperty[] = [
  ...(["hardware", "generatedInside", "neverExtractable", "exportable", "importedMaterial", "replicated"] as const),
];

/** The levels, from weakest to strongest. */
export const LEVELS: readonly CustodyLevel[] = ["unknown", "claimed-software", "claimed-hsm", "proven-hsm"];

/** A copy of the requirement. @throws ethers' INVALID_ARGUMENT. */
export function checkRequirement(given: CustodyRequirement | undefined): CustodyRequirement | undefined {
  if (given === undefined) return undefined;
  const { level, verifyAttestation, ...properties } = given;
  const names = Object.keys(properties);
  const unknown = names.find((name) => !PROPERTIES.includes(name as CustodyProperty));
  assertArgument(unknown === undefined, `requireCustody has no property ${unknown}`, "requireCustody", names);
  const isLevel = level === undefined || level === "claimed-hsm" || level === "proven-hsm";
  assertArgument(isLevel, 'requireCustody.level must be "claimed-hsm" or "proven-hsm"', "requireCustody", level);
  assertArgument(
    level !== "proven-hsm" || typeof verifyAttestation === "function",
    "requireCustody.level proven-hsm needs verifyAttestation, of ethers-hsm/attestation",
    "requireCustody",
    level,
  );
  const values = Object.values(properties);
  assertArgument(
    values.every((value) => value === undefined || typeof value === "boolean"),
    "the properties of requireCustody must be true or false",
    "requireCustody",
    values,
  );
  return { ...given };
}

/** The level that a key's claims and the check of its evidence support, and all findings. */
export function judgeCustody(
  { findings, evidence }: KeyCustody,
  publicKey: Uint8Array,
  verify: AttestationVerifier | undefined,
): Pick<CustodyReport, "level" | "findings" | "attestation" | "evidence"> {
  const hardware = findings.find(({ property }) => property === "hardware")?.value ?? "unknown";
  const level = hardware === "unknown" ? hardware : hardware ? "claimed-hsm" : "claimed-software";
  if (!evidence) return { level, findings, attestation: undefined, evidence };
  if (!verify) {
    const reason = "the HSM's statement was not verified: pass verifyAttestation of ethers-hsm/attestation";
    return { level, findings, attestation: { status: "unchecked", reason }, evidence };
  }
  const attestation = verify(evidence, publicKey);
  // A claim whose proof fails is not a claim any more.
  if (attestation.status === "refused") return { level: "unknown", findings, attestation, evidence };
  return { level: "proven-hsm", findings: [...findings, ...attestation.findings], attestation, evidence };
}

/** What a report lacks of the requirement, a sentence each; empty if it meets all of it. */
export function unmetRequirements(report: CustodyReport, requirement: CustodyRequirement): string[] {
  const { level, attestation, findings } = report;
  const needed = requirement.level ?? "unknown";
  const why = attestation && attestation.status !== "verified" ? ` (${attestation.reason})` : "";
  const missing =
    LEVELS.indexOf(level) < LEVELS.indexOf(needed) ? [`its level is ${level} instead of ${needed}${why}`] : [];
  for (const property of PROPERTIES) {
    const value = requirement[property];
    if (value === undefined) continue;
    const known = findings.filter((finding) => finding.property === property && finding.value !== "unknown");
    const contrary = known.find((finding) => finding.value !== value);
    if (contrary) missing.push(`${property} is ${contrary.value}: ${contrary.reason}`);
    else if (known.length === 0) missing.push(`${property} is unknown`);
  }
  return missing;
}

/** @throws SignerError KEY_UNUSABLE if the report does not meet the requirement. */
export function enforceCustody(report: CustodyReport, requirement: CustodyRequirement): void {
  const missing = unmetRequirements(report, requirement);
  if (missing.length === 0) return;
  throw new SignerError(
    "KEY_UNUSABLE",
    `requireCustody refuses the key, and nothing was signed: ${missing.join("; ")}. Use a key that meets it, or change what is required`,
    { operation: "custody", info: { level: report.level, findings: report.findings, attestation: report.attestation } },
  );
}
