import { createHash } from "node:crypto";
import { gunzipSync } from "node:zlib";
import { equalBytes } from "../core/bytes.ts";
import { type AttestationResult, type CustodyFinding, findingsBy, type KeyAttestation } from "../signer/custody.ts";
import {
  findManufacturerChain,
  findOwnerCertificates,
  readCertificates,
  readRoots,
  requireNoOther,
  requireValid,
  signersOf,
} from "./certificates.ts";
import { ATTRIBUTE, decodeStatement, type Part } from "./marvell-statement.ts";
import { Refusal, requireThat } from "./refusal.ts";
import { GOOGLE_ROOTS, MARVELL_ROOTS } from "./roots.ts";

/** Which roots are trusted, and at what time. */
export interface VerifyAttestationOptions {
  /** PEM of public keys or certificates, in place of Marvell's two. */
  readonly manufacturerRoots?: readonly string[] | undefined;
  /** PEM of public keys or certificates. Default: Google's for its keys. Azure publishes none: without one the owner is not checked. */
  readonly ownerRoots?: readonly string[] | undefined;
  /** Default: the present. */
  readonly now?: Date | undefined;
}

const MAX_STATEMENT = 64 * 1024;
const MAX_CERTIFICATES_TEXT = 64 * 1024;
const CKO_PRIVATE_KEY = 3;
const CKK_EC = 3;
// SubjectPublicKeyInfo { { id-ecPublicKey, secp256k1 }, BIT STRING } (RFC 5480, section 2), before the 65 bytes of the point.
const SPKI_HEADER = Buffer.from("3056301006072a8648ce3d020106052b8104000a034200", "hex");

/**
 * Verifies the statement of a Marvell LiquidSecurity HSM about a secp256k1 key, without any network: its signature, the certificates up to the
 * manufacturer's pinned root and to the owner's, the attributes of the private key, that it is about this public key, and that it names the key.
 *
 * It says where the key was when the statement was made. It does not say who may sign with it, and a wrapped copy that the HSM's owner may make
 * is not excluded. Formats: Google's `verify_attestation_chains.py` and Microsoft's `azure-managed-hsm-key-attestation`.
 *
 * @param publicKey 65 bytes, SEC1 uncompressed.
 * @throws TypeError for roots that are not PEM. What is wrong with the attestation is in the result.
 */
export function verifyAttestation(
  evidence: KeyAttestation,
  publicKey: Uint8Array,
  options: VerifyAttestationOptions = {},
): AttestationResult {
  const manufacturerRoots = readRoots(options.manufacturerRoots ?? MARVELL_ROOTS);
  const isGoogle = evidence.service === "gcp-kms";
  const ownerRoots = readRoots(options.ownerRoots ?? (isGoogle ? GOOGLE_ROOTS : []));
  try {
    const { signed, signature, parts } = decodeStatement(readStatement(evidence));
    const certificates = readCertificates(evidence.certificates);
    const signers = signersOf(certificates, signed, signature);
    const chain = findManufacturerChain(certificates, signers, manufacturerRoots);
    const owner = ownerRoots.length > 0 ? findOwnerCertificates(certificates, chain, ownerRoots, isGoogle) : undefined;
    const used = [chain.card, chain.partition, ...(owner ?? [])];
    if (owner) requireNoOther(certificates, used, [...manufacturerRoots, ...ownerRoots]);
    const now = options.now ?? new Date();
    requireValid(used, madeAt(evidence, now), now);
    const part = privatePart(parts);
    const findings = findingsOf(part);
    requirePublicKey(parts, publicKey);
    requireName(part, evidence);
    return {
      status: "verified",
      findings,
      hsm: chain.partition.certificate.subject.replaceAll("\n", ", "),
      owner: owner?.[0]?.certificate.issuer.replaceAll("\n", ", "),
    };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { status: "refused", step: error.step, reason: error.message };
  }
}

function readStatement({ format, statement, certificates }: KeyAttestation): Uint8Array {
  requireThat(format === "marvell", "format", "the attestation's format is not marvell");
  const isSmall = typeof certificates === "string" && certificates.length <= MAX_CERTIFICATES_TEXT;
  requireThat(isSmall, "certificates", "the certificates are not a text of at most 64 KiB");
  const isBase64 = typeof statement === "string" && /^[A-Za-z\d+/]*={0,2}$/.test(statement);
  requireThat(
    isBase64 && statement.length <= 2 * MAX_STATEMENT,
    "format",
    "the statement is not base64 of at most 64 KiB",
  );
  const bytes = Buffer.from(statement, "base64");
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    return gunzipSync(bytes, { maxOutputLength: MAX_STATEMENT });
  } catch {
    throw new Refusal("format", "the statement cannot be decompressed to at most 64 KiB");
  }
}

function madeAt({ madeAt: text }: KeyAttestation, now: Date): Date {
  if (text === undefined) return now;
  const date = new Date(text);
  requireThat(!Number.isNaN(date.getTime()), "validity", "the time at which the key was made is not a date");
  return date;
}

function privatePart(parts: readonly Part[]): Part {
  const fitting = parts.filter((part) => numberOf(part, ATTRIBUTE.CLASS) === CKO_PRIVATE_KEY);
  const [part] = fitting;
  requireThat(
    part && fitting.length === 1,
    "attributes",
    `the statement is about ${fitting.length} private keys instead of one`,
  );
  requireThat(numberOf(part, ATTRIBUTE.KEY_TYPE) === CKK_EC, "attributes", "the statement is not about an EC key");
  return part;
}

/** What the private half's attributes say; those of the public half are no protection. */
function findingsOf(part: Part): CustodyFinding[] {
  const local = flagOf(part, "LOCAL");
  const [sensitive, extractable] = [flagOf(part, "SENSITIVE"), flagOf(part, "EXTRACTABLE")];
  const [always, never] = [flagOf(part, "ALWAYS_SENSITIVE"), flagOf(part, "NEVER_EXTRACTABLE")];
  return findingsBy("attestation", [
    ["hardware", true, "signed by the key of a Marvell LiquidSecurity HSM"],
    ["generatedInside", local, `LOCAL is ${local}`],
    ["importedMaterial", !local, `LOCAL is ${local}${local ? "" : ": a copy may exist outside"}`],
    ["neverExtractable", always && never, `ALWAYS_SENSITIVE is ${always} and NEVER_EXTRACTABLE is ${never}`],
    ["exportable", extractable || !sensitive, `EXTRACTABLE is ${extractable} and SENSITIVE is ${sensitive}`],
  ]);
}

/** EKCV binds the curve as well; the 65 bytes of a point fit any curve of 256 bits. */
function requirePublicKey(parts: readonly Part[], publicKey: Uint8Array): void {
  const ekcv = createHash("sha256").update(SPKI_HEADER).update(publicKey).digest();
  for (const part of parts) {
    const stated = part.get(ATTRIBUTE.EKCV);
    requireThat(stated && equalBytes(stated, ekcv), "public-key", "the statement is about another public key (EKCV)");
    const point = part.get(ATTRIBUTE.MODULUS);
    requireThat(!point || equalBytes(point, publicKey), "public-key", "the statement is about another point");
  }
}

/** Google: 128 hexadecimal digits, the second half the SHA-256 of the version's name. Azure: a text that ends in the key's name and version. */
function requireName(part: Part, { service, keyName }: KeyAttestation): void {
  const id = Buffer.from(part.get(ATTRIBUTE.ID) ?? [])
    .toString("latin1")
    .replace(/\0+$/, "")
    .toLowerCase();
  const hash = createHash("sha256").update(keyName).digest("hex");
  const azureName = keyName.split("/").slice(-2).join("/").toLowerCase();
  const isNamed = service === "gcp-kms" ? /^[\da-f]{128}$/.test(id) && id.endsWith(hash) : id.endsWith(`/${azureName}`);
  requireThat(isNamed, "name", `the statement is not about ${keyName}, but about an object with another name`);
}

function numberOf(part: Part, type: number): number | undefined {
  const value = part.get(type);
  return value?.length === 1 ? value[0] : undefined;
}

function flagOf(part: Part, name: keyof typeof ATTRIBUTE): boolean {
  const value = numberOf(part, ATTRIBUTE[name]);
  requireThat(value === 0 || value === 1, "attributes", `the private key's ${name} is missing, or neither 0 nor 1`);
  return value === 1;
}
