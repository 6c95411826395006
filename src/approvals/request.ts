import { assertArgument } from "ethers";
import { type RequestContent, readContent } from "./content.ts";
import {
  parseJsonObject,
  readAddress,
  readDecimal,
  readHex,
  readMoment,
  readObject,
  readText,
  refuse,
  refuseOtherFields,
  serializeJson,
} from "./json.ts";
import { type QuorumTokenFile, readTokenFile } from "./token-file.ts";

/**
 * What an approver must know: the token, and what it is meant for, which the token itself does not say. Plain JSON.
 */
export interface ApprovalRequest {
  /** The version of this format. */
  readonly version: 1;
  /** Names the request in logs and in file names: letters, digits and hyphens. */
  readonly id: string;
  /** ISO 8601 in UTC with milliseconds, as `expiresAt`. */
  readonly createdAt: string;
  /** When approvals are of no more use: at most the token's own end, ten minutes after it was made by default. */
  readonly expiresAt: string;
  /** Who asks, in the application's words. Nothing proves it. */
  readonly requester?: string;
  /** The address of the key, with the checksum of EIP-55. */
  readonly account: string;
  /** Decimal digits; absent where neither the content nor the requester names one. */
  readonly chainId?: string;
  /** The 32 bytes that the key is to sign, in lower-case hex. */
  readonly digest: string;
  /** What the digest is made of. */
  readonly content: RequestContent;
  /** The CLI's token, as approvers sign it. */
  readonly token: QuorumTokenFile;
  /** Why, in the requester's words. Nothing proves it. */
  readonly note?: string;
}

/**
 * A transaction's data stands in a request twice, in hex: this holds four times the 128 KiB that nodes relay.
 */
const MAX_CHARACTERS = 1_048_576;
const MAX_NOTE = 4_096;
const WHAT = "the approval request";
const FIELDS = [
  "version",
  "id",
  "createdAt",
  "expiresAt",
  "requester",
  "account",
  "chainId",
  "digest",
  "content",
  "token",
  "note",
];

/**
 * Writes an approval request as JSON and a line feed, to travel by any channel: it holds no secret, and nothing in it is
 * proven until {@link verifyApprovalRequest} has.
 *
 * @throws ethers' INVALID_ARGUMENT for a request that {@link parseApprovalRequest} would refuse.
 */
export function serializeApprovalRequest(request: ApprovalRequest): string {
  const text = serializeJson(request, WHAT, MAX_CHARACTERS);
  parseApprovalRequest(text);
  return text;
}

/** The request as its reader will have it, a copy: no other code can change it between a check and its use. */
export function checkForm(request: ApprovalRequest): ApprovalRequest {
  return parseApprovalRequest(serializeJson(request, WHAT, MAX_CHARACTERS));
}

/**
 * Reads an approval request and checks its form: every field's, and that the token is the SHA-256 of its approval data. Whether
 * digest and content belong together, whether it is still valid, and for whom, {@link verifyApprovalRequest} tells.
 *
 * @param text the JSON: at most 1,048,576 characters and 64 levels, no member twice in one object, no field that this version
 *   does not know (it might change the meaning), except in the token, whose fields are AWS's and are kept.
 * @throws ethers' INVALID_ARGUMENT, which names the field and does not show the text; SignerError ACCESS_DENIED with
 *   `info.reason` `"token-mismatch"`.
 */
export function parseApprovalRequest(text: string): ApprovalRequest {
  const value = parseJsonObject(text, WHAT, MAX_CHARACTERS);
  const { version, id, createdAt, expiresAt, requester, account, chainId, digest, content, token, note } = value;
  assertArgument(
    version === 1,
    `${WHAT}: version must be 1; a newer one needs a newer ethers-hsm`,
    "text",
    "[not shown]",
  );
  refuseOtherFields(value, FIELDS, WHAT);
  const request: ApprovalRequest = {
    version: 1,
    id: readId(id),
    createdAt: readMoment(createdAt, `${WHAT}: createdAt`),
    expiresAt: readMoment(expiresAt, `${WHAT}: expiresAt`),
    ...(requester === undefined ? {} : { requester: readText(requester, `${WHAT}: requester`) }),
    account: readAddress(account, `${WHAT}: account`),
    ...(chainId === undefined ? {} : { chainId: readDecimal(chainId, `${WHAT}: chainId`) }),
    digest: readHex(digest, `${WHAT}: digest`, 32),
    content: readContent(content, `${WHAT}: content`),
    token: readTokenFile(readObject(token, `${WHAT}: token`), `${WHAT}: token`),
    ...(note === undefined ? {} : { note: readText(note, `${WHAT}: note`, MAX_NOTE) }),
  };
  if (request.createdAt >= request.expiresAt) refuse(`${WHAT}: expiresAt must be later than createdAt`);
  return request;
}

/** It may become a file's name. */
function readId(value: unknown): string {
  if (typeof value !== "string" || !/^[A-Za-z0-9-]{1,64}$/.test(value)) {
    refuse(`${WHAT}: id must be 1 to 64 letters, digits and hyphens`);
  }
  return value;
}
