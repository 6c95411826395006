import { randomUUID } from "node:crypto";
import { type BigNumberish, type BytesLike, getAddress, getBigInt, hexlify } from "ethers";
import type { SigningPayload } from "../signer/payload.ts";
import { fromSigningPayload } from "./content-digest.ts";
import type { ApprovalRequest } from "./request.ts";
import { checkForm } from "./request.ts";
import { checkContent } from "./request-match.ts";
import type { QuorumTokenFile } from "./token-file.ts";

/** What an approval request is made of. */
export interface ApprovalRequestOptions {
  /** 32 bytes. */
  readonly digest: BytesLike;
  /** What the digest was made of. Absent: a bare digest, which approvers refuse unless they allow it. */
  readonly content?: SigningPayload | { readonly type: "digest" } | undefined;
  /** The address that is to sign. */
  readonly account: string;
  /** Default: the one that the content names. */
  readonly chainId?: BigNumberish | undefined;
  /** Who asks: a name for the approvers to read, which nothing proves. */
  readonly requester?: string | undefined;
  /** Default: a new UUID. */
  readonly id?: string | undefined;
  /** Default: now. */
  readonly createdAt?: Date | undefined;
  /** When the token ends. */
  readonly expiresAt: Date;
  /** The CLI's token of this signature. */
  readonly token: QuorumTokenFile;
  /** A text for the approvers, which nothing proves. */
  readonly note?: string | undefined;
}

/**
 * Makes the request that approvers see, from what a signer is about to sign.
 *
 * It asks no one, and makes no token: pass the one of `quorum token-sign generate --service key-usage`.
 *
 * @throws SignerError ACCESS_DENIED with `info.reason` `"content-mismatch"` where the content does not hash to the digest,
 *   `"chain-mismatch"` where it names another chain than `chainId`, `"wrong-service"` for a token that is not for the use of a
 *   key; ethers' INVALID_ARGUMENT for anything else that cannot be right, also for more than 1,048,576 characters as JSON.
 */
export function createApprovalRequest(options: ApprovalRequestOptions): ApprovalRequest {
  const { requester, createdAt = new Date(), expiresAt, note } = options;
  const { content, chain } = fromSigningPayload(options.content ?? { type: "digest" });
  const named = options.chainId === undefined ? undefined : `${getBigInt(options.chainId, "chainId")}`;
  const chainId = named ?? (chain === "every" ? undefined : chain);
  const request = checkForm({
    version: 1,
    id: options.id ?? randomUUID(),
    createdAt: moment(createdAt),
    expiresAt: moment(expiresAt),
    ...(requester === undefined ? {} : { requester }),
    account: getAddress(options.account),
    ...(chainId === undefined ? {} : { chainId }),
    digest: hexlify(options.digest),
    content,
    token: options.token,
    ...(note === undefined ? {} : { note }),
  });
  checkContent(request);
  return request;
}

function moment(date: Date): string {
  // An invalid date has no ISO form; the form's check names the field.
  return Number.isNaN(date.getTime()) ? "" : date.toISOString();
}
