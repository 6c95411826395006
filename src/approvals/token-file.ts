import { assertArgument, decodeBase64, encodeBase64, sha256 } from "ethers";
import { type QuorumApproval, readApproval } from "./approval.ts";
import { quorumError } from "./errors.ts";
import { parseJsonObject, readArray, readBase64, readText, serializeJson } from "./json.ts";

/**
 * A token file of the CloudHSM CLI, as `quorum token-sign generate` writes it and `--approval` reads it.
 *
 * Fields beyond these are kept as they are. The file of `--service registration` has another form:
 * RegistrationTokenFile of `ethers-hsm/cloudhsm/quorum`.
 */
export interface QuorumTokenFile {
  /** The CLI's version of the format. */
  readonly version: "2.0";
  /** What the token is for: `"key-usage"` to sign with a key. Nothing in the file proves it. */
  readonly service: string;
  /** The key's reference in the cluster, as `0x…`; files of services without a key have none. Nothing proves it. */
  readonly key_reference?: string;
  /** What the HSM recognises the token by, in base64. Its layout is AWS's own. */
  readonly approval_data: string;
  /** SHA-256 of the approval data, 32 bytes in base64: what approvers sign. */
  readonly token: string;
  /** The approvals so far. */
  readonly signatures: readonly QuorumApproval[];
  readonly [field: string]: unknown;
}

/** Many times what the CLI writes: 16 approvals have about 6,000 characters. */
const MAX_CHARACTERS = 65_536;
const WHAT = "the token file";

/**
 * Reads a token file of the CloudHSM CLI.
 *
 * @param text the JSON: at most 65,536 characters and 64 levels, no member twice in one object, no number that JavaScript would round.
 * @throws ethers' INVALID_ARGUMENT for anything that is not a token file; SignerError ACCESS_DENIED, with `info.reason`
 *   `"token-mismatch"`, where the token is not the SHA-256 of the approval data.
 */
export function parseQuorumTokenFile(text: string): QuorumTokenFile {
  return readTokenFile(parseJsonObject(text, WHAT, MAX_CHARACTERS), WHAT);
}

/** Writes a token file for the CloudHSM CLI, after the checks of {@link parseQuorumTokenFile}: JSON, and a line feed. */
export function serializeQuorumTokenFile(file: QuorumTokenFile): string {
  const text = serializeJson(file, WHAT, MAX_CHARACTERS);
  parseQuorumTokenFile(text);
  return text;
}

/** Checks a token file that stands in another document, named `what` in errors. */
export function readTokenFile(value: Readonly<Record<string, unknown>>, what: string): QuorumTokenFile {
  const { version, service, key_reference, approval_data, token, signatures } = value;
  assertArgument(version === "2.0", `${what}: version must be "2.0"`, "version", printable(version));
  const file: QuorumTokenFile = {
    ...value,
    version: "2.0",
    service: readText(service, `${what}: service`),
    ...(key_reference === undefined ? {} : { key_reference: readReference(key_reference, what) }),
    approval_data: readBase64(approval_data, `${what}: approval_data`),
    token: readBase64(token, `${what}: token`, 32),
    signatures: readArray(signatures, `${what}: signatures`).map((entry, index) =>
      readApproval(entry, `${what}: signatures[${index}]`),
    ),
  };
  if (encodeBase64(sha256(decodeBase64(file.approval_data))) !== file.token) {
    throw quorumError("token-mismatch", `${what}: token is not the SHA-256 of approval_data; get a new token`);
  }
  return file;
}

function readReference(value: unknown, what: string): string {
  const reference = readText(value, `${what}: key_reference`);
  assertArgument(
    /^0x[0-9a-f]{1,32}$/i.test(reference),
    `${what}: key_reference must be hex`,
    "key_reference",
    reference,
  );
  return reference;
}

function printable(value: unknown): string {
  return typeof value === "string" ? value.slice(0, 32) : typeof value;
}
