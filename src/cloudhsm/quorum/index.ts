export type { KnowledgeOptions } from "../../approvals/knowledge.ts";
export { type ApproveOptions, type ApproveTokenOptions, approveQuorumToken } from "./approval.ts";
export { parseQuorumApproval, type QuorumApproval, serializeQuorumApproval } from "./approval-entry.ts";
export type { ApprovalRequest } from "./approval-request.ts";
export { type ApprovalCollection, type ApprovalRecord, type CollectOptions, collectApprovals } from "./collect.ts";
export { type ApprovalRequestOptions, createApprovalRequest } from "./create-request.ts";
export type { DecodedAuthorization, DecodedTransaction } from "./decoded-transaction.ts";
export type { Line } from "./display.ts";
export type { QuorumFailure } from "./errors.ts";
export { CloudHsmQuorumKey } from "./key.ts";
export { type MergeOptions, mergeApprovals, type QuorumUsers } from "./merge.ts";
export type { ApproveQuorum, CloudHsmQuorumKeyOptions, CloudHsmQuorumSignerOptions } from "./options.ts";
export { type QuorumApproverOptions, quorumApprover } from "./policy-approver.ts";
export {
  parseRegistrationTokenFile,
  type RegistrationToken,
  type RegistrationTokenFile,
  serializeRegistrationTokenFile,
  signRegistrationToken,
} from "./registration.ts";
export type {
  AuthorizationContent,
  MessageContent,
  RequestContent,
  TransactionContent,
  TypedDataContent,
} from "./request-content.ts";
export { parseApprovalRequest, serializeApprovalRequest } from "./request-json.ts";
export type { RsaPrivateKey, RsaPublicKey } from "./rsa-key.ts";
export { CloudHsmQuorumSigner } from "./signer.ts";
export { parseQuorumTokenFile, type QuorumTokenFile, serializeQuorumTokenFile } from "./token-file.ts";
export type { QuorumTokenSigner } from "./token-signature.ts";
export { type VerifiedRequest, type VerifyRequestOptions, verifyApprovalRequest } from "./verify-request.ts";
