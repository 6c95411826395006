export { parseQuorumApproval, type QuorumApproval, serializeQuorumApproval } from "./approval.ts";
export { type ApproveOptions, type ApproveTokenOptions, approveQuorumToken } from "./approve.ts";
export { type ApprovalCollection, type ApprovalRecord, type CollectOptions, collectApprovals } from "./collect.ts";
export type {
  AuthorizationContent,
  MessageContent,
  RequestContent,
  TransactionContent,
  TypedDataContent,
} from "./content.ts";
export { type ApprovalRequestOptions, createApprovalRequest } from "./create-request.ts";
export type { DecodedAuthorization, DecodedTransaction } from "./decoded-transaction.ts";
export type { Line } from "./display.ts";
export type { QuorumFailure } from "./errors.ts";
export type { KnowledgeOptions } from "./knowledge.ts";
export { type MergeOptions, mergeApprovals, type QuorumUsers } from "./merge.ts";
export { type QuorumApproverOptions, quorumApprover } from "./policy-approver.ts";
export { type ApprovalRequest, parseApprovalRequest, serializeApprovalRequest } from "./request.ts";
export type { RsaPrivateKey, RsaPublicKey } from "./rsa-key.ts";
export { parseQuorumTokenFile, type QuorumTokenFile, serializeQuorumTokenFile } from "./token-file.ts";
export type { QuorumTokenSigner } from "./token-signature.ts";
export { type VerifiedRequest, type VerifyRequestOptions, verifyApprovalRequest } from "./verify-request.ts";
