import { assertArgument } from "ethers";
import type { QuorumApproval } from "../../approvals/approval.ts";
import { quorumError } from "../../approvals/errors.ts";
import type { ApprovalRequest } from "../../approvals/request.ts";
import { isSignerError } from "../../core/errors.ts";
import { type DeadlineOptions, withDeadline } from "../../signer/deadline.ts";
import type { ApproveQuorum } from "./options.ts";

/**
 * Asks for approvals, no longer than any of the signals and the time allow; `approve` is told when they end.
 *
 * @throws the reason of the signal that aborted; SignerError ACCESS_DENIED with `info.reason` `"expired"` or `"refused"`, or what
 *   `approve` rejected with where that is a SignerError.
 */
export async function awaitApprovals(
  approve: ApproveQuorum,
  request: ApprovalRequest,
  { ms, ...signals }: Pick<DeadlineOptions, "signal" | "others"> & { readonly ms: number },
): Promise<readonly QuorumApproval[]> {
  const expired = () => quorumError("expired", `no approvals came within ${ms} ms; the next call asks for new ones`);
  const approvals = await withDeadline((signal) => ask(approve, request, signal), {
    ...signals,
    deadline: { ms, error: expired },
  });
  assertArgument(Array.isArray(approvals), "approve must return a list of approvals", "approvals", typeof approvals);
  return approvals;
}

async function ask(approve: ApproveQuorum, request: ApprovalRequest, signal: AbortSignal) {
  try {
    return await approve(request, { signal });
  } catch (cause) {
    if (isSignerError(cause)) throw cause;
    throw quorumError("refused", "approve() refused, or failed; see the cause. Nothing was signed", { cause });
  }
}
