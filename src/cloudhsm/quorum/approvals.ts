import { assertArgument } from "ethers";
import { isSignerError } from "../../core/errors.ts";
import { bounded } from "../../signer/bounded.ts";
import { onAbort } from "../../signer/on-abort.ts";
import type { QuorumApproval } from "./approval-entry.ts";
import type { ApprovalRequest } from "./approval-request.ts";
import { quorumError } from "./errors.ts";
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
  { signals, ms }: { readonly signals: readonly (AbortSignal | undefined)[]; readonly ms: number },
): Promise<readonly QuorumApproval[]> {
  const any = new AbortController();
  const unlisten = signals.map((signal) => {
    if (signal?.aborted) any.abort(signal.reason);
    return signal && onAbort(signal, () => any.abort(signal.reason));
  });
  const expired = () => quorumError("expired", `no approvals came within ${ms} ms; the next call asks anew`);
  try {
    const approvals = await bounded((signal) => ask(approve, request, signal), {
      signal: any.signal,
      deadline: { ms, error: expired },
    });
    assertArgument(Array.isArray(approvals), "approve must give a list of approvals", "approvals", typeof approvals);
    return approvals;
  } finally {
    for (const end of unlisten) end?.();
  }
}

async function ask(approve: ApproveQuorum, request: ApprovalRequest, signal: AbortSignal) {
  try {
    return await approve(request, { signal });
  } catch (cause) {
    if (isSignerError(cause)) throw cause;
    throw quorumError("refused", "approve() refused, or failed; see the cause. Nothing was signed", { cause });
  }
}
