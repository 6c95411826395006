import type { SignerError } from "../core/errors.ts";
import type { AuditPolicy } from "./audit-sink.ts";
import type { CallOptions } from "./remote-key.ts";
import type { SignRequest } from "./sign-request.ts";

/** What certainly happened after an allowed request: `refused` only if nothing was signed. */
export type SigningResult = "ok" | "refused" | "unknown";

/** What a policy says of one request. */
export interface PolicyDecision extends Omit<AuditPolicy, "id"> {
  /** What the caller gets; undefined unless the outcome is `deny`. */
  readonly error?: SignerError | undefined;
  /**
   * Called once after an outcome other than `deny`; and with `refused` after `ok` if the signed transaction was discarded before anything outside the
   * process had it. It must not reject.
   */
  settle(result: SigningResult): Promise<void>;
}

/** Decides before each signature. `definePolicy` of `ethers-hsm/policy` makes one. */
export interface SigningPolicy {
  /** SHA-256 of what it consists of, hex: it names the policy in errors and in the audit. */
  readonly id: string;
  /**
   * Whether the request may be signed. It may take as long as people do; the signer's `timeout` does not bound it. The key is not asked
   * unless the outcome is `allow` or `would-deny`; if it rejects, the request is denied.
   */
  decide(request: SignRequest, options: CallOptions): Promise<PolicyDecision>;
}
