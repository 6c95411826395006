import { assertArgument, hexlify, randomBytes, sha256, toUtf8Bytes } from "ethers";
import { SignerError } from "../core/errors.ts";
import { withDeadline } from "../signer/deadline.ts";
import type { CallOptions } from "../signer/remote-key.ts";
import type { SignRequest } from "../signer/sign-request.ts";
import type { PolicyDecision, SigningPolicy, SigningResult } from "../signer/signing-policy.ts";
import { checkTimeout } from "../signer/verified-key.ts";
import { askApproval } from "./approvals.ts";
import { assetName } from "./assets.ts";
import { type Json, toCanonicalJson } from "./description.ts";
import { describeError, evaluateRules, type FullEvaluation, type PolicyEvaluation } from "./evaluation.ts";
import { explain } from "./explanation.ts";
import { type Hold, type HoldRefusal, RollingLimit } from "./limits.ts";
import type { LimitRule, Rule } from "./rules.ts";

/** What a policy consists of. */
export interface PolicyOptions {
  /** The stores know the limits by it: keep it from version to version. */
  readonly name: string;
  /** Changes the policy's id; nothing else depends on it. */
  readonly version: string | number;
  /** Their order decides nothing but which one is named. */
  readonly rules: readonly Rule[];
  /** `shadow`: signs everything, asks for no approval and holds nothing; decisions say `would-deny`. Default: `enforce`. */
  readonly mode?: "enforce" | "shadow" | undefined;
  /** Asked before each signature, for example whether a file or a row exists: unless it returns false, the request is denied. Default: none. */
  readonly frozen?: ((options: CallOptions) => boolean | Promise<boolean>) | undefined;
  /** The longest wait for an approval, in milliseconds. Default: 900,000. */
  readonly approvalTimeout?: number | undefined;
  /** The longest wait for a step of a limit's store, and for `frozen`, in milliseconds. Default: 10,000. */
  readonly storeTimeout?: number | undefined;
}

interface HeldLimit {
  readonly rule: LimitRule;
  readonly limit: RollingLimit;
  readonly hold: Hold;
}

/** A limit had no room. */
class LimitRefusal extends Error {
  readonly rule: string;
  readonly availableAt: number | null;

  constructor(rule: string, availableAt: number | null) {
    super(availableAt === null ? `${rule} is below the amount itself` : `${rule} would be exceeded`);
    this.rule = rule;
    this.availableAt = availableAt;
  }
}

/**
 * A policy for the option `policy` of signers, directories and key URIs. No rule allows → denied; any rule denies → denied; what throws, hangs or
 * cannot be decoded → denied.
 *
 * It holds against a caller that was talked into a wrong request, not against code in the process, nor against the holder of the key's credentials:
 * they sign without this package.
 *
 * @throws ethers' INVALID_ARGUMENT.
 */
export function definePolicy(options: PolicyOptions): Policy {
  return new Policy(options);
}

/** What {@link definePolicy} makes. */
export class Policy implements SigningPolicy {
  /** The name that it was given. */
  readonly name: string;
  /** Whether it denies, or only says what it would deny. */
  readonly mode: "enforce" | "shadow";
  /** SHA-256 of {@link describe} as JSON, hex. */
  readonly id: string;
  readonly #rules: readonly Rule[];
  readonly #description: string;
  readonly #limits: ReadonlyMap<LimitRule, RollingLimit>;
  readonly #isFrozen: PolicyOptions["frozen"];
  readonly #approvalTimeout: number;
  readonly #storeTimeout: number;
  #frozenSince: string | undefined;

  /** Call `definePolicy`. */
  constructor({
    name,
    version,
    rules,
    mode = "enforce",
    frozen,
    approvalTimeout = 900_000,
    storeTimeout = 10_000,
  }: PolicyOptions) {
    assertArgument(typeof name === "string" && name !== "", "a policy needs a name", "name", name);
    assertArgument(mode === "enforce" || mode === "shadow", 'mode must be "enforce" or "shadow"', "mode", mode);
    const names = rules.map((rule) => rule.name);
    assertArgument(new Set(names).size === names.length, "two rules have the same name", "rules", names);
    this.name = name;
    this.mode = mode;
    this.#rules = [...rules];
    this.#isFrozen = frozen;
    this.#approvalTimeout = checkTimeout(approvalTimeout, "approvalTimeout");
    this.#storeTimeout = checkTimeout(storeTimeout, "storeTimeout");
    const described = rules.map(({ description }) => description);
    this.#description = toCanonicalJson({ name, version: `${version}`, mode, rules: described });
    this.id = sha256(toUtf8Bytes(this.#description)).slice(2);
    const limits = this.#rules.filter((rule) => rule.effect === "limit");
    this.#limits = new Map(limits.map((rule) => [rule, this.#rollingLimit(rule)]));
  }

  /** What it consists of, as JSON with sorted names. Functions of your own enter by name and version, approvers and stores not at all. */
  describe(): Json {
    return JSON.parse(this.#description);
  }

  /** What the rules say of a request: for tests and dry runs. It asks no one, holds nothing, and does not look whether it is frozen. */
  evaluate(request: SignRequest): PolicyEvaluation {
    const { approvalRules: _approvals, limitRules: _limits, ...evaluation } = evaluateRules(this.#rules, request);
    return evaluation;
  }

  /** {@link evaluate} for people. */
  explain(request: SignRequest): string {
    return explain(this, request, this.evaluate(request));
  }

  /** From now on this policy denies everything, in shadow mode too, until the process ends. It does not end what the key signs already. */
  freeze(reason = "it was frozen"): void {
    this.#frozenSince ??= reason;
  }

  /** What a signer calls: the rules, then approvals, then limits. It rejects only with the signal's reason. */
  async decide(request: SignRequest, { signal }: CallOptions): Promise<PolicyDecision> {
    const before = await this.#evaluate(request, signal);
    if (this.mode === "shadow" && this.#frozenSince === undefined) {
      return decision(before.outcome === "allow" ? "allow" : "would-deny", before);
    }
    if (before.outcome === "deny") return this.#deny(before);
    const approvals: { rule: string; by: string }[] = [];
    for (const { name: rule, approver } of before.approvalRules) {
      try {
        const asked = { rule, policyId: this.id, request };
        approvals.push({ rule, by: await askApproval(approver, asked, this.#approvalTimeout, signal) });
      } catch (cause) {
        signal?.throwIfAborted();
        return this.#denyApproval(before, rule, cause);
      }
    }
    // People took their time: a rule may look at the clock, and the policy may be frozen.
    const after = approvals.length > 0 ? await this.#evaluate({ ...request, time: Date.now() }, signal) : before;
    if (after.outcome === "deny") return this.#deny(after);
    try {
      const held = await this.#hold(after, request, signal);
      const holds = held.map(({ rule, hold }) => ({ limit: rule.name, amount: hold.amount }));
      return { ...decision("allow", after), approvals, holds, settle: (result) => this.#settle(held, result) };
    } catch (cause) {
      signal?.throwIfAborted();
      if (cause instanceof LimitRefusal) return this.#denyLimit(after, cause);
      return this.#deny(
        { ...after, rule: null, reasons: [`a limit cannot be checked: ${describeError(cause)}`] },
        cause,
      );
    }
  }

  async #evaluate(request: SignRequest, signal: AbortSignal | undefined): Promise<FullEvaluation> {
    const evaluation = evaluateRules(this.#rules, request);
    const reason = this.#frozenSince ?? (await this.#askFrozen(signal));
    if (reason === undefined) return evaluation;
    return {
      ...evaluation,
      outcome: "deny",
      rule: null,
      reasons: [`the policy is frozen: ${reason}`, ...evaluation.reasons],
    };
  }

  async #askFrozen(signal: AbortSignal | undefined): Promise<string | undefined> {
    const isFrozen = this.#isFrozen;
    if (!isFrozen) return undefined;
    const ms = this.#storeTimeout;
    const error = () => new Error(`frozen did not respond within ${ms} ms`);
    try {
      const answer = await withDeadline(async (either) => isFrozen({ signal: either }), {
        signal,
        deadline: { ms, error },
      });
      return answer === false ? undefined : "the check of the option frozen did not return false";
    } catch (thrown) {
      signal?.throwIfAborted();
      return describeError(thrown);
    }
  }

  /** All or nothing. */
  async #hold(
    { limitRules }: FullEvaluation,
    request: SignRequest,
    signal: AbortSignal | undefined,
  ): Promise<HeldLimit[]> {
    const held: HeldLimit[] = [];
    try {
      for (const { rule, amount } of limitRules) {
        const limit = this.#limits.get(rule) as RollingLimit;
        const hold = { id: hexlify(randomBytes(16)).slice(2), ref: refOf(request), amount };
        const holding = limit.hold(hold);
        // If the signal has aborted already, it is not awaited.
        holding.catch(() => {});
        // Also if the store answers after the caller has left.
        held.push({ rule, limit, hold });
        const refusal: HoldRefusal = await withDeadline(() => holding, { signal });
        if (refusal) throw new LimitRefusal(rule.name, refusal.availableAt);
      }
      return held;
    } catch (error) {
      // Nothing was signed with them.
      const releasing = this.#settle(held, "refused");
      if (!signal?.aborted) await releasing;
      throw error;
    }
  }

  /** A store that fails leaves the holds, which end with their windows. */
  async #settle(held: readonly HeldLimit[], result: SigningResult): Promise<void> {
    if (result === "unknown") return;
    const settle = ({ limit, hold }: HeldLimit) => (result === "ok" ? limit.spend(hold) : limit.release(hold));
    await Promise.allSettled(held.map(settle));
  }

  #rollingLimit(rule: LimitRule): RollingLimit {
    const id = JSON.stringify([this.name, rule.name, assetName(rule.asset)]);
    const { amount: atMost, window } = rule;
    return new RollingLimit(rule.store, id, { atMost, window }, this.#storeTimeout);
  }

  #deny(evaluation: PolicyEvaluation, cause?: unknown): PolicyDecision {
    const { rule, reasons } = evaluation;
    const message = `the policy ${this.name} denied the signature: ${reasons.join("; ")}. Nothing was signed`;
    const info = { rule, reasons, policyId: this.id };
    return { ...decision("deny", evaluation), error: new SignerError("POLICY_DENIED", message, { info, cause }) };
  }

  #denyApproval(evaluation: PolicyEvaluation, rule: string, cause: unknown): PolicyDecision {
    const reasons = [`${rule} requires an approval: ${describeError(cause)}`];
    const message = `the policy ${this.name} got no approval: ${reasons[0]}. Nothing was signed`;
    const error = new SignerError("APPROVAL_DENIED", message, { info: { rule, policyId: this.id }, cause });
    return { ...decision("deny", { ...evaluation, rule, reasons }), error };
  }

  #denyLimit(evaluation: PolicyEvaluation, { rule, availableAt, message }: LimitRefusal): PolicyDecision {
    const retryable = availableAt !== null;
    const until = availableAt === null ? "" : `; it may pass from ${new Date(availableAt).toISOString()} on`;
    const text = `a limit of the policy ${this.name} denied the signature: ${message}${until}. Nothing was signed`;
    const error = new SignerError("LIMIT_EXCEEDED", text, {
      retryable,
      info: { rule, policyId: this.id, availableAt },
    });
    return { ...decision("deny", { ...evaluation, rule, reasons: [message] }), error };
  }
}

function decision(outcome: PolicyDecision["outcome"], { rule, reasons }: PolicyEvaluation): PolicyDecision {
  return { outcome, rule, reasons, approvals: [], holds: [], settle: async () => {} };
}

/** What an amount is for: of a nonce's transactions one is mined. */
function refOf(request: SignRequest): string {
  if (request.kind !== "transaction" || request.chainId === null) return request.digest;
  return `${request.chainId}:${request.account}:${request.nonce}`;
}
