import { assertArgument } from "ethers";
import { withDeadline } from "../signer/deadline.ts";
import { parseQuorumApproval, type QuorumApproval } from "./approval.ts";
import { quorumError } from "./errors.ts";
import { mergeApprovals, type QuorumUsers, readUsers } from "./merge.ts";
import type { ApprovalRequest } from "./request.ts";
import { checkForm } from "./request.ts";
import { checkContent } from "./request-match.ts";
import type { QuorumTokenFile } from "./token-file.ts";

/** The longest delay of a timer. */
const MAX_TIMER = 2 ** 31 - 1;

/** What approvals are collected by. */
export interface CollectOptions {
  /** Who may approve: the registered RSA-2048 public keys by user. */
  readonly approvers: QuorumUsers;
  /** How many approvals are enough: 1 to the number of approvers. */
  readonly required: number;
  /** The role that every approval must be in. Default: `"crypto-user"`. */
  readonly role?: string | undefined;
  /** Ends the collection; its reason is what `approvals` rejects with. */
  readonly signal?: AbortSignal | undefined;
  /** Names the policy that asked, in the record. */
  readonly policyId?: string | null | undefined;
}

/** Who approved what, and when: plain JSON for an audit. It has no signature. */
export interface ApprovalRecord {
  /** The `id` of the request. */
  readonly requestId: string;
  /** 32 bytes in lower-case hex: what was approved. */
  readonly digest: string;
  /** The address that is to sign, with the checksum of EIP-55. */
  readonly account: string;
  /** The policy that asked; null if none did. */
  readonly policyId: string | null;
  /** How many approvals are enough. */
  readonly required: number;
  /** `pending` until enough approvals came, or the time was over, or the caller gave up. */
  readonly outcome: "pending" | "approved" | "expired" | "aborted";
  /** In the order in which they came, each with its time as Date.toISOString writes it, by this process's clock. */
  readonly approvals: readonly { readonly username: string; readonly at: string }[];
}

/** Approvals of one request, as they come in. */
export interface ApprovalCollection {
  /**
   * Adds one approval, parsed or as its JSON: call it from an HTTP handler, a queue or a folder's watcher. Each is checked at once.
   *
   * @throws SignerError with `info.reason` `"unknown-approver"`, `"duplicate"`, `"wrong-role"`, `"bad-signature"` (also of another token), or
   *   `"expired"` after the collection ended; ethers' INVALID_ARGUMENT for what is not an approval. The collection goes on.
   */
  add(approval: QuorumApproval | string): ApprovalRecord;
  /** What happened so far. */
  readonly record: ApprovalRecord;
  /**
   * Resolves with the approvals as soon as there are enough. Rejects at the request's `expiresAt` with SignerError ACCESS_DENIED,
   * `info.reason` `"expired"`, `info.approvals` and `info.required`; with the signal's reason if that aborts.
   */
  readonly approvals: Promise<readonly QuorumApproval[]>;
}

/**
 * Collects approvals of one request that come one by one, until enough of them are valid. For `approve` of CloudHsmQuorumSigner: return
 * `approvals`, and let what receives approvals find the collection by `request.id`.
 *
 * It asks no one and opens no port: bring the request to people, and their approvals to `add`. This process checks them; CloudHSM
 * checks them again. It does not verify what the request shows to people: each approver does.
 *
 * @throws ethers' INVALID_ARGUMENT for a malformed request or options, and where two approvers have one key; SignerError `"content-mismatch"`, `"wrong-service"`.
 */
export function collectApprovals(request: ApprovalRequest, options: CollectOptions): ApprovalCollection {
  const { required, role, signal, policyId = null } = options;
  const users = readUsers(options.approvers);
  assertArgument(
    Number.isInteger(required) && required > 0 && required <= users.size,
    `required must be an integer from 1 to the number of approvers, ${users.size}`,
    "required",
    required,
  );
  const copy = checkForm(request);
  checkContent(copy);
  const { id: requestId, digest, account, expiresAt, token } = copy;
  let file: QuorumTokenFile = { ...token, signatures: [] };
  let outcome: ApprovalRecord["outcome"] = "pending";
  const times: ApprovalRecord["approvals"][number][] = [];
  let complete: (approvals: readonly QuorumApproval[]) => void;

  const record = (): ApprovalRecord => ({
    ...{ requestId, digest, account, policyId, required, outcome, approvals: [...times] },
  });
  const late = () => {
    const info = { approvals: times.length, required };
    return quorumError("expired", `${times.length} of ${required} approvals came until ${expiresAt}; ask again`, {
      info,
    });
  };
  const approvals = withDeadline(() => new Promise<readonly QuorumApproval[]>((resolve) => (complete = resolve)), {
    signal,
    deadline: { ms: Math.min(Math.max(Date.parse(expiresAt) - Date.now(), 1), MAX_TIMER), error: late },
  });
  approvals.then(
    () => {},
    () => {
      outcome = signal?.aborted ? "aborted" : "expired";
    },
  );

  return {
    approvals,
    get record() {
      return record();
    },
    add(approval) {
      if (outcome === "approved") throw quorumError("expired", "the request has the approvals that it needs already");
      if (outcome === "aborted" || signal?.aborted) throw quorumError("expired", "the requester gave up: ask again");
      if (outcome === "expired" || Date.now() >= Date.parse(expiresAt)) throw late();
      const read = typeof approval === "string" ? parseQuorumApproval(approval) : approval;
      file = mergeApprovals(file, [read], { users, role });
      const { username } = file.signatures.at(-1) ?? read;
      times.push({ username, at: new Date().toISOString() });
      if (times.length === required) {
        outcome = "approved";
        complete(file.signatures);
      }
      return record();
    },
  };
}
