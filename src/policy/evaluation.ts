import type { SignRequest } from "../signer/sign-request.ts";
import { measure } from "./assets.ts";
import { allRequests } from "./containers.ts";
import { findHazards, HAZARDS } from "./hazards.ts";
import { printable } from "./printable.ts";
import type { ApprovalRule, LimitRule, Rule } from "./rules.ts";

/** What the rules say of a request, before anyone is asked and anything is held. */
export interface PolicyEvaluation {
  /** `allow` still needs the approvals and the limits. */
  readonly outcome: "allow" | "deny";
  /** The rule that decided: the first that denies or fails, else the first that allows; null if none allows. */
  readonly rule: string | null;
  /** Why it is denied: a sentence for each rule that had a part in it. */
  readonly reasons: readonly string[];
  /** The approvals that it needs. */
  readonly approvals: readonly string[];
  /** What would be held of limits, in their base unit. */
  readonly limits: readonly {
    /** The limit's rule. */
    readonly limit: string;
    /** In its base unit. */
    readonly amount: bigint;
  }[];
}

/** The evaluation, and the rules that are still to be asked. */
export interface FullEvaluation extends PolicyEvaluation {
  readonly approvalRules: readonly ApprovalRule[];
  readonly limitRules: readonly { readonly rule: LimitRule; readonly amount: bigint }[];
}

interface Findings {
  readonly allowing: string[];
  /** The rule and the reason. */
  readonly denying: (readonly [string | null, string])[];
  /** Rules that allow all but what they do not name. */
  readonly unnamed: string[];
  readonly approvalRules: ApprovalRule[];
  readonly limitRules: { rule: LimitRule; amount: bigint }[];
}

/** Evaluates every rule, so that the answer names each. Any error denies. */
export function evaluateRules(rules: readonly Rule[], request: SignRequest): FullEvaluation {
  const found: Findings = { allowing: [], denying: [], unnamed: [], approvalRules: [], limitRules: [] };
  if (request.kind === "digest" && request.problem !== null) found.denying.push([null, request.problem]);
  const requests = attempt(found, null, () => allRequests(request)) ?? [request];
  for (const rule of rules) attempt(found, rule.name, () => evaluateRule(rule, request, requests, found));
  const { allowing, denying, unnamed, approvalRules, limitRules } = found;
  const limits = limitRules.map(({ rule, amount }) => ({ limit: rule.name, amount }));
  const rest = { approvals: approvalRules.map(({ name }) => name), limits, approvalRules, limitRules };
  const [denial] = denying;
  if (denial) return { outcome: "deny", rule: denial[0], reasons: denying.map(([, reason]) => reason), ...rest };
  const [allowed] = allowing;
  if (allowed === undefined)
    return { outcome: "deny", rule: null, reasons: ["no rule allows it", ...unnamed], ...rest };
  return { outcome: "allow", rule: allowed, reasons: [], ...rest };
}

function evaluateRule(rule: Rule, request: SignRequest, requests: readonly SignRequest[], found: Findings): void {
  if (rule.effect === "allow") {
    const names = rule.condition.match(request);
    if (names === undefined) return;
    const missing = findHazards(request).filter((each) => !names.includes(each));
    if (missing.length === 0) found.allowing.push(rule.name);
    else
      found.unnamed.push(
        `${rule.name} would allow it, but does not name ${missing.map((each) => HAZARDS[each]).join(", ")}`,
      );
    return;
  }
  // Every request is looked at, so that an error does not depend on the order.
  const matching = requests.filter((each) => rule.condition.match(each) !== undefined);
  if (matching.length === 0) return;
  if (rule.effect === "deny") found.denying.push([rule.name, `${rule.name} denies it`]);
  else if (rule.effect === "require-approval") found.approvalRules.push(rule);
  else found.limitRules.push({ rule, amount: measure(rule.asset, request) });
}

function attempt<T>(found: Findings, name: string | null, call: () => T): T | undefined {
  try {
    return call();
  } catch (error) {
    found.denying.push([name, `${name ?? "the request"} cannot be evaluated: ${describeError(error)}`]);
    return undefined;
  }
}

/** ethers' long messages quote what they are about, which may be personal. */
export function describeError(error: unknown): string {
  const { shortMessage, message } = (error ?? {}) as { shortMessage?: unknown; message?: unknown };
  return printable(String(shortMessage ?? message ?? "an error without a message"));
}
