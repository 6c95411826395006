import { assertArgument, hexlify, keccak256, randomBytes, type Signature, Transaction } from "ethers";
import { isSignerError, SignerError, type SignerErrorCode } from "../core/errors.ts";
import type { CallAttempt } from "../telemetry/call-event.ts";
import type { AuditEntry, AuditOutcome, AuditPolicy, AuditSink } from "./audit-sink.ts";
import { withDeadline } from "./deadline.ts";
import { rememberRelease } from "./discarded.ts";
import { readSignRequest } from "./read-request.ts";
import type { SignOptions } from "./remote-key.ts";
import type { SignRequest } from "./sign-request.ts";
import type { PolicyDecision, SigningPolicy, SigningResult } from "./signing-policy.ts";

/** The options that a {@link Guard} is made of. */
export interface GuardOptions {
  readonly policy?: SigningPolicy | undefined;
  readonly audit?: AuditSink | undefined;
}

interface GuardedAccount {
  readonly backend: string;
  readonly id: string;
  readonly address: string;
}

/** With these the key refused before it signed. Every other failure leaves it open. */
const REFUSED: ReadonlySet<unknown> = new Set<SignerErrorCode>([
  "ACCESS_DENIED",
  "KEY_UNUSABLE",
  "KEY_NOT_FOUND",
  "THROTTLED",
  "REQUEST_REJECTED",
  "DEPENDENCY_MISSING",
]);

/** The sinks that lost an outcome, whichever signer they belong to: they get no further intent. */
const failedSinks = new WeakMap<AuditSink, unknown>();

/**
 * The policy before a signature and the audit around it: decide, record the intent, sign, record the outcome, settle the limits.
 *
 * It stands outside the deadline of the key's call, since an approval takes minutes, and above a failover, so that one decision covers all
 * replicas.
 */
export class Guard {
  readonly #policy: SigningPolicy | undefined;
  readonly #audit: AuditSink | undefined;
  readonly #timeout: number;

  /** @param timeout the longest wait for the sink, in milliseconds. @returns undefined if there is nothing to guard with. */
  static from({ policy, audit }: GuardOptions, timeout: number): Guard | undefined {
    return policy === undefined && audit === undefined ? undefined : new Guard(policy, audit, timeout);
  }

  private constructor(policy: SigningPolicy | undefined, audit: AuditSink | undefined, timeout: number) {
    const hasDecide = policy === undefined || typeof policy?.decide === "function";
    assertArgument(hasDecide, "policy must have decide(), as that of definePolicy does", "policy", typeof policy);
    const hasAppend = audit === undefined || typeof audit?.append === "function";
    assertArgument(hasAppend, "audit must have append(), as that of fileAudit does", "audit", typeof audit);
    this.#policy = policy;
    this.#audit = audit;
    this.#timeout = timeout;
  }

  /** Calls `sign` unless the policy denies the request or its intent cannot be recorded. */
  async sign(
    { backend, id: keyId, address }: GuardedAccount,
    digest: Uint8Array,
    { signal, payload }: SignOptions,
    sign: (onAttempt: (attempt: CallAttempt) => void) => Promise<Signature>,
  ): Promise<Signature> {
    const context = { backend, keyId, operation: "signDigest" };
    const request = readSignRequest(address, digest, payload);
    const decision = this.#policy && (await this.#decide(this.#policy, request, signal));
    // Only a sink needs it.
    const id = this.#audit ? hexlify(randomBytes(16)).slice(2) : "";
    const entry = { id, backend, keyId, request, policy: this.#describe(decision) };
    if (decision?.outcome === "deny") {
      const error = (decision.error ?? policyDenied(this.#policy?.id, decision)).withContext(context);
      // The caller learns of the denial, whether or not the sink does.
      await this.#append({ event: "denial", ...entry, time: Date.now(), code: error.code }).catch(() => {});
      throw error;
    }
    try {
      await this.#append({ event: "intent", ...entry, time: Date.now() }, signal);
    } catch (cause) {
      await settle(decision, "refused");
      signal?.throwIfAborted();
      throw auditFailed(cause).withContext(context);
    }
    const start = performance.now();
    const attempts: CallAttempt[] = [];
    const outcome = { event: "outcome", id } as const;
    try {
      const signature = await sign((attempt) => attempts.push(attempt));
      const hashes = this.#audit && { ...hashSignature(request, signature) };
      await this.#finish({ ...outcome, ...NOTHING, ...hashes, result: "ok", ...ended(start, attempts) }, decision);
      if (decision && decision.holds.length > 0) {
        rememberRelease(signature, () => settle(decision, "refused"));
      }
      return signature;
    } catch (error) {
      const { code = null, requestId } = isSignerError(error) ? error : {};
      if (attempts.length === 0 && requestId !== undefined) attempts.push({ requestId, isLost: false });
      // What was retried after a lost response may have been signed, whatever the last response says.
      const result = attempts.slice(0, -1).some(({ isLost }) => isLost) ? "unknown" : resultOf(error);
      await this.#finish({ ...outcome, ...NOTHING, result, code, ...ended(start, attempts) }, decision);
      throw error;
    }
  }

  async #decide(policy: SigningPolicy, request: SignRequest, signal: AbortSignal | undefined): Promise<PolicyDecision> {
    try {
      // A policy may ignore the signal.
      const decide = (either?: AbortSignal) => policy.decide(request, { signal: either });
      const decision = await (signal ? withDeadline(decide, { signal }) : decide());
      requireWhole(decision);
      if (decision.outcome === "allow" || decision.outcome === "would-deny") return decision;
      return { ...decision, outcome: "deny" };
    } catch (cause) {
      signal?.throwIfAborted();
      const reasons = ["the policy failed; see the cause"];
      const error = policyDenied(policy.id, { rule: null, reasons }, cause);
      return { outcome: "deny", rule: null, reasons, approvals: [], holds: [], error, settle: async () => {} };
    }
  }

  #describe(decision: PolicyDecision | undefined): AuditPolicy | null {
    if (!decision || !this.#policy) return null;
    const { outcome, rule, reasons, approvals, holds } = decision;
    return { id: this.#policy.id, outcome, rule, reasons, approvals, holds };
  }

  async #append(entry: AuditEntry, signal?: AbortSignal): Promise<void> {
    const audit = this.#audit;
    if (!audit) return;
    if (failedSinks.has(audit)) throw failedSinks.get(audit);
    const ms = this.#timeout;
    const timedOut = () => new Error(`the audit sink did not store the entry within ${ms} ms`);
    await withDeadline(async () => audit.append(entry), { signal, deadline: { ms, error: timedOut } });
  }

  /** It never fails: the signature was made, or the key's own error is the one to report. */
  async #finish(entry: AuditOutcome, decision: PolicyDecision | undefined): Promise<void> {
    try {
      await this.#append(entry);
    } catch (error) {
      if (this.#audit) failedSinks.set(this.#audit, error);
    }
    await settle(decision, entry.result);
  }
}

/** What is missing must not show after the key has signed. */
function requireWhole({ reasons, approvals, holds, settle }: PolicyDecision): void {
  const isWhole = [reasons, approvals, holds].every(Array.isArray) && typeof settle === "function";
  if (!isWhole) throw new TypeError("the policy's decision has no reasons, approvals, holds or settle()");
}

/** A policy that fails to settle neither loses the signature nor hides an error. */
async function settle(decision: PolicyDecision | undefined, result: SigningResult): Promise<void> {
  try {
    await decision?.settle(result);
  } catch {
    // Its limits stay stricter.
  }
}

const NOTHING = { code: null, signatureHash: null, transactionHash: null } as const;

function ended(start: number, attempts: readonly CallAttempt[]) {
  const requestIds = attempts.flatMap(({ requestId }) => requestId ?? []);
  return { time: Date.now(), milliseconds: performance.now() - start, attempts: attempts.length, requestIds };
}

function hashSignature(request: SignRequest, signature: Signature) {
  return { signatureHash: keccak256(signature.serialized), transactionHash: hashTransaction(request, signature) };
}

function hashTransaction(request: SignRequest, signature: Signature): string | null {
  if (request.kind !== "transaction") return null;
  try {
    const transaction = Transaction.from(request.unsigned);
    transaction.signature = signature;
    return transaction.hash;
  } catch {
    // It was signed, though ethers does not know its form: the signature must not be lost for its hash.
    return null;
  }
}

/** A failover's error has the code of one replica: each of them must have refused. */
function resultOf(error: unknown): SigningResult {
  if (!isSignerError(error)) return "unknown";
  const replicas = error.info?.["replicas"] as readonly { readonly code: SignerErrorCode }[] | undefined;
  return (replicas ?? [error]).every(({ code }) => REFUSED.has(code)) ? "refused" : "unknown";
}

function policyDenied(
  policyId = "",
  { rule, reasons }: Pick<PolicyDecision, "rule" | "reasons">,
  cause?: unknown,
): SignerError {
  const message = `the policy denied the signature: ${reasons.join("; ") || "it gave no reason"}. Nothing was signed`;
  return new SignerError("POLICY_DENIED", message, { info: { rule, reasons, policyId }, cause });
}

function auditFailed(cause: unknown): SignerError {
  const message =
    "the audit could not record what is to be signed, or lost an earlier outcome: nothing was signed. Repair the audit's storage, then " +
    "start the process again";
  return new SignerError("AUDIT_FAILED", message, { cause });
}
