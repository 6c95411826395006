import { encodeBase64 } from "ethers";
import { invalidResponse } from "../core/errors.ts";
import { findingsBy, type KeyAttestation, type KeyCustody } from "../signer/custody.ts";
import { type Message, readBytes, readLevel, requireName } from "./response.ts";

const FORMATS: readonly unknown[] = [3, 4, "CAVIUM_V1_COMPRESSED", "CAVIUM_V2_COMPRESSED"];
const CHAINS = ["caviumCerts", "googleCardCerts", "googlePartitionCerts"];

/**
 * What GetCryptoKeyVersion says of a version's protection, and the HSM's statement, which is made once, with the version.
 *
 * https://cloud.google.com/kms/docs/attest-key
 *
 * @throws SignerError BACKEND_RESPONSE_INVALID if the message is not about the version.
 */
export function readCustody(message: Message, name: string): KeyCustody {
  requireName(message, name);
  const level = readLevel(message["protectionLevel"]);
  if (level === undefined) throw invalidResponse(`the response for ${name} does not state the key's protection level`);
  const { importJob } = message;
  const isImported = typeof importJob === "string" && importJob !== "";
  const isHsm = level === "HSM" || level === "HSM_SINGLE_TENANT";
  const origin = isImported ? `importJob is ${importJob.slice(0, 300)}: a copy was outside` : "no importJob is named";
  return {
    findings: findingsBy("api", [
      ["hardware", isHsm, `protectionLevel is ${level.slice(0, 64)}`],
      ["generatedInside", !isImported, origin],
      ["importedMaterial", isImported, origin],
      ["neverExtractable", isImported ? false : "unknown", isImported ? origin : "Cloud KMS does not state it"],
      level === "HSM"
        ? ["exportable", false, "Cloud KMS has no request that exports a key of protectionLevel HSM"]
        : ["exportable", "unknown", `keys of protectionLevel ${level.slice(0, 64)} may be exported wrapped`],
      ["replicated", "unknown", "Cloud KMS does not state where a location keeps its keys"],
    ]),
    evidence: readAttestation(message, name),
  };
}

function readAttestation({ attestation, generateTime }: Message, name: string): KeyAttestation | undefined {
  const { format, content, certChains } = (attestation ?? {}) as Message;
  if (!FORMATS.includes(format)) return undefined;
  const chains = (certChains ?? {}) as Message;
  const certificates = CHAINS.flatMap((chain) => chains[chain] ?? []).filter((pem) => typeof pem === "string");
  return {
    format: "marvell",
    service: "gcp-kms",
    keyName: name,
    statement: encodeBase64(readBytes("attestation.content", content)),
    certificates: certificates.join("\n"),
    madeAt: readTime(generateTime),
  };
}

/** RFC 3339, or the vendor's client's seconds. */
function readTime(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  const seconds = Number((value as Message | undefined)?.["seconds"]);
  return Number.isSafeInteger(seconds) && seconds > 0 ? new Date(seconds * 1_000).toISOString() : undefined;
}
