import { decodeBase64, toUtf8Bytes } from "ethers";
import { copyBytes } from "../core/bytes.ts";
import { invalidResponse, SignerError } from "../core/errors.ts";
import { publicKeyFromSpki } from "../core/public-key.ts";
import { crc32c } from "./crc32c.ts";

/** A message of Cloud KMS, as REST v1 (proto3's JSON) or the vendor's client has it. Nothing of it is trusted. */
export type Message = Readonly<Record<string, unknown>>;

/** The names of an enum by their numbers: either can be in a response. */
type Names = readonly (string | undefined)[];

// https://cloud.google.com/kms/docs/reference/rpc/google.cloud.kms.v1
const ALGORITHMS: Names = Object.assign([], { 31: "EC_SIGN_SECP256K1_SHA256" });
const LEVELS: Names = [undefined, "SOFTWARE", "HSM", "EXTERNAL", "EXTERNAL_VPC", "HSM_SINGLE_TENANT"];
const PURPOSES: Names = Object.assign([], { 1: "ENCRYPT_DECRYPT", 5: "ASYMMETRIC_SIGN" });
const VERSION_STATES: Names = [
  ...[undefined, "ENABLED", "DISABLED", "DESTROYED", "DESTROY_SCHEDULED", "PENDING_GENERATION", "PENDING_IMPORT"],
  ...["IMPORT_FAILED", "GENERATION_FAILED", "PENDING_EXTERNAL_DESTRUCTION", "EXTERNAL_DESTRUCTION_FAILED"],
];
const JOB_STATES: Names = [undefined, "PENDING_GENERATION", "ACTIVE", "EXPIRED"];

export const readAlgorithm = (value: unknown) => nameIn(ALGORITHMS, value);
export const readLevel = (value: unknown) => nameIn(LEVELS, value);
export const readPurpose = (value: unknown) => nameIn(PURPOSES, value);
export const readVersionState = (value: unknown) => nameIn(VERSION_STATES, value);
export const readJobState = (value: unknown) => nameIn(JOB_STATES, value);

function nameIn(names: Names, value: unknown): string | undefined {
  if (typeof value === "number") return names[value] ?? `number ${value}`;
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** @throws SignerError BACKEND_RESPONSE_INVALID if the message is of another resource. */
export function requireName(message: Message, requested: string): void {
  const { name } = message;
  if (name === requested) return;
  const found = typeof name === "string" ? name.slice(0, 512) : "no name";
  throw invalidResponse(
    `Cloud KMS returned ${found} when ${requested} was requested; nothing was returned. Name the project as Cloud KMS does, by id or by ` +
      "number; otherwise check the endpoint, and proxies on the way",
    { info: { expected: requested, actual: found } },
  );
}

/** What makes a version a key for Ethereum. @throws SignerError KEY_UNUSABLE; BACKEND_RESPONSE_INVALID if the message does not say it. */
export function requireKind(message: Message, name: string): void {
  requireOneOf(name, "algorithm", readAlgorithm(message["algorithm"]), ["EC_SIGN_SECP256K1_SHA256"]);
  requireOneOf(name, "protection level", readLevel(message["protectionLevel"]), ["HSM", "HSM_SINGLE_TENANT"]);
}

function requireOneOf(name: string, what: string, actual: string | undefined, needed: readonly string[]): void {
  if (actual === undefined) throw invalidResponse(`the response for ${name} does not state the key's ${what}`);
  if (needed.includes(actual)) return;
  throw new SignerError(
    "KEY_UNUSABLE",
    `the key ${name} has the ${what} ${actual.slice(0, 64)}; Ethereum needs ${needed[0]}, and it cannot be changed. Create a key with ` +
      "purpose ASYMMETRIC_SIGN, algorithm EC_SIGN_SECP256K1_SHA256 and protection level HSM",
  );
}

/** The public key of GetPublicKey's response, 65 bytes. @throws SignerError KEY_UNUSABLE; BACKEND_RESPONSE_INVALID. */
export function readPublicKey(message: Message, requested: string): Uint8Array {
  requireName(message, requested);
  requireKind(message, requested);
  const { pem, pemCrc32c } = message;
  if (typeof pem !== "string") throw invalidResponse("GetPublicKey's response has no pem");
  requireChecksum("pem", toUtf8Bytes(pem), pemCrc32c);
  return publicKeyFromSpki(bytesOfPem(pem));
}

/** DER of a PEM text (RFC 7468), whatever its line ends. @throws SignerError BACKEND_RESPONSE_INVALID. */
export function bytesOfPem(pem: string): Uint8Array {
  const body = /^\s*-----BEGIN PUBLIC KEY-----([A-Za-z\d+/=\s]+)-----END PUBLIC KEY-----\s*$/.exec(pem)?.[1];
  if (body === undefined || pem.length > 4_096) throw invalidResponse("the public key is not a PEM text");
  return readBytes("pem", body.replaceAll(/\s/g, ""));
}

const BASE64 = /^(?:[A-Za-z\d+/]{4})*(?:[A-Za-z\d+/]{2}==|[A-Za-z\d+/]{3}=)?$/;

/** Bytes as the vendor's client has them, or base64. @throws SignerError BACKEND_RESPONSE_INVALID. */
export function readBytes(what: string, value: unknown): Uint8Array {
  if (typeof value !== "string") return copyBytes(value, what);
  if (value.length > 8_192 || !BASE64.test(value)) throw invalidResponse(`${what} is not base64`);
  return decodeBase64(value);
}

/** @throws SignerError BACKEND_RESPONSE_INVALID, which is retryable: what was damaged on the way need not be damaged again. */
export function requireChecksum(what: string, bytes: Uint8Array, checksum: unknown): void {
  const value = typeof checksum === "object" && checksum !== null ? (checksum as Message)["value"] : checksum;
  const stated =
    typeof value === "number" || (typeof value === "string" && /^\d{1,10}$/.test(value)) ? Number(value) : undefined;
  if (stated === undefined) throw invalidResponse(`Cloud KMS's response has no checksum of ${what}`);
  if (stated !== crc32c(bytes)) throw damaged(`${what} does not have the checksum that Cloud KMS states`);
}

/** What Cloud KMS received, or what it returned, was changed on the way. */
export function damaged(what: string): SignerError {
  const message = `${what}: it was damaged on the way, and nothing was returned. Try again; if it lasts, check proxies on the way`;
  return invalidResponse(message, { retryable: true, info: { reason: "checksum" } });
}
