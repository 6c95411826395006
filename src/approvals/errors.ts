import { SignerError, type SignerErrorCode, type SignerErrorOptions } from "../core/errors.ts";

/** Why a quorum did not come together, as `info.reason` of the SignerError: what `code` alone does not tell. */
export type QuorumFailure =
  /** The approval request, or the token, is past its time. */
  | "expired"
  /** Fewer approvals than the key asks for. */
  | "too-few-approvals"
  /** The HSM has seen this token before: a token serves one operation. */
  | "token-reused"
  /** A person who was asked refused. */
  | "refused"
  /** The HSM did not take the approvals, and did not say why. */
  | "quorum-failed"
  /** Two approvals by the same user, or by the same RSA key under two names. */
  | "duplicate"
  /** An approval by a user who is not among the registered ones. */
  | "unknown-approver"
  /** An approval in another role than the token's service asks for. */
  | "wrong-role"
  /** An approval that is not a signature of this token by the user's key. */
  | "bad-signature"
  /** A token for something else than the use of a key. */
  | "wrong-service"
  /** A token that is not the SHA-256 of its approval data. */
  | "token-mismatch"
  /** The digest, or the decoded form, is not that of the content. */
  | "content-mismatch"
  /** The request is for another account than the approver expects. */
  | "account-mismatch"
  /** The request is for another chain than the approver expects, or holds on every chain. */
  | "chain-mismatch"
  /** The request does not say what is signed. */
  | "bare-digest";

const CODES: Readonly<Record<QuorumFailure, SignerErrorCode>> = {
  expired: "ACCESS_DENIED",
  "too-few-approvals": "ACCESS_DENIED",
  "token-reused": "ACCESS_DENIED",
  refused: "ACCESS_DENIED",
  "quorum-failed": "ACCESS_DENIED",
  duplicate: "ACCESS_DENIED",
  "unknown-approver": "ACCESS_DENIED",
  "wrong-role": "ACCESS_DENIED",
  "bad-signature": "SIGNATURE_MISMATCH",
  "wrong-service": "ACCESS_DENIED",
  "token-mismatch": "ACCESS_DENIED",
  "content-mismatch": "ACCESS_DENIED",
  "account-mismatch": "ADDRESS_MISMATCH",
  "chain-mismatch": "ACCESS_DENIED",
  "bare-digest": "ACCESS_DENIED",
};

/**
 * The error of a quorum that did not come together: `info.reason` says why, for programs. None is retryable unless the
 * options say so: to ask again is to ask people again.
 */
export function quorumError(reason: QuorumFailure, message: string, options: SignerErrorOptions = {}): SignerError {
  return new SignerError(CODES[reason], message, { ...options, info: { ...options.info, reason } });
}
