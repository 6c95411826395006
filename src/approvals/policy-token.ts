import { decodeBase64, encodeBase64, sha256, toUtf8Bytes } from "ethers";
import { quorumError } from "./errors.ts";
import type { ApprovalRequest } from "./request.ts";
import type { QuorumTokenFile } from "./token-file.ts";

const PREFIX = "ethers-hsm approval 1";

/** What the approval of a policy's request is bound to. */
type Bound = Pick<ApprovalRequest, "id" | "digest" | "account" | "expiresAt">;

/**
 * The token of a policy's request, in the form of CloudHSM's. Its approval data names the request, the digest, the account, the policy and the
 * end, which no token of an HSM does.
 */
export function policyToken(bound: Bound, policyId: string): QuorumTokenFile {
  const data = approvalData(bound, policyId);
  return {
    version: "2.0",
    service: "key-usage",
    approval_data: encodeBase64(data),
    token: encodeBase64(sha256(data)),
    signatures: [],
  };
}

/** The policy that a token names; undefined for the token of an HSM. */
export function policyOf({ approval_data }: QuorumTokenFile): string | undefined {
  const [prefix, , , , policyId = ""] = new TextDecoder().decode(decodeBase64(approval_data)).split("\n");
  return prefix === PREFIX ? policyId : undefined;
}

/**
 * Refuses a policy's token that is of another request: its approval would let that one be signed.
 *
 * @throws SignerError ACCESS_DENIED with `info.reason` `"token-mismatch"`.
 */
export function checkPolicyToken(request: ApprovalRequest): void {
  const policyId = policyOf(request.token);
  if (policyId === undefined) return;
  if (encodeBase64(approvalData(request, policyId)) === request.token.approval_data) return;
  throw quorumError("token-mismatch", "the token of the approval request names another request: do not approve it");
}

function approvalData({ id, digest, account, expiresAt }: Bound, policyId: string): Uint8Array {
  return toUtf8Bytes([PREFIX, id, digest, account, policyId, expiresAt].join("\n"));
}
