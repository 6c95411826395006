import type { RequestContent } from "./request-content.ts";
import type { QuorumTokenFile } from "./token-file.ts";

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
