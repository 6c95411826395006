import { assertArgument } from "ethers";
import type { Approver } from "./approvals.ts";
import { type Asset, assetName } from "./assets.ts";
import { type Condition, every } from "./conditions.ts";
import type { Json } from "./description.ts";
import type { LimitStore } from "./limit-store.ts";
import { toInteger } from "./matchers.ts";

/** One rule of a policy: `allow`, `deny`, `requireApproval` and `limit` make them. */
export type Rule = AllowRule | DenyRule | ApprovalRule | LimitRule;

/** What every rule has. */
export interface RuleBase {
  /** It names the rule in errors and in the audit. */
  readonly name: string;
  /** For which requests it holds. */
  readonly condition: Condition;
  /** What it is in the policy's description. */
  readonly description: Json;
}

/** A rule that allows. */
export interface AllowRule extends RuleBase {
  /** Tells the rules apart. */
  readonly effect: "allow";
}

/** A rule that denies. */
export interface DenyRule extends RuleBase {
  /** Tells the rules apart. */
  readonly effect: "deny";
}

/** A rule that asks for an approval. */
export interface ApprovalRule extends RuleBase {
  /** Tells the rules apart. */
  readonly effect: "require-approval";
  /** Who is asked. */
  readonly approver: Approver;
}

/** A rule that limits what is spent. */
export interface LimitRule extends RuleBase {
  /** Tells the rules apart. */
  readonly effect: "limit";
  /** What it counts. */
  readonly asset: Asset;
  /** The most within any window, in the asset's base unit. */
  readonly amount: bigint;
  /** Milliseconds. */
  readonly window: number;
  /** Where it counts. */
  readonly store: LimitStore;
}

/** What a limit counts, and how much of it passes. */
export interface LimitOptions {
  /** What is counted. */
  readonly asset: Asset;
  /** The most within any window, in the asset's base unit. */
  readonly amount: bigint | number;
  /** Milliseconds: 1,000 to 10 years. The window slides: it is not a calendar day. */
  readonly window: number;
  /** `memoryLimitStore` for one process, `postgresLimitStore` or `redisLimitStore` for several. */
  readonly store: LimitStore;
}

const MAX_WINDOW = 10 * 366 * 86_400_000;

/**
 * Allows requests for which all conditions hold; with none, every request. What is denied unless named needs a condition that names it:
 * {@link Hazard}.
 */
export function allow(name: string, ...conditions: readonly Condition[]): AllowRule {
  return { effect: "allow", ...base("allow", name, conditions) };
}

/** Denies requests for which all conditions hold, themselves or for a call that they carry. No rule allows them then. */
export function deny(name: string, ...conditions: readonly Condition[]): DenyRule {
  return { effect: "deny", ...base("deny", name, conditions) };
}

/**
 * Asks for an approval of requests that are allowed and for which all conditions hold, themselves or for a call that they carry. Nothing is held of
 * limits meanwhile; the rules are evaluated again afterwards.
 */
export function requireApproval(name: string, approver: Approver, ...conditions: readonly Condition[]): ApprovalRule {
  assertArgument(typeof approver === "function", "approver must be a function", "approver", typeof approver);
  return { effect: "require-approval", ...base("require-approval", name, conditions), approver };
}

/**
 * Limits what allowed requests spend together within a sliding window: all requests of the policy, of any account and chain, for which all
 * conditions hold, themselves or for a call that they carry. A signature counts as spent, whether or not it is broadcast.
 *
 * The store knows the limit by the policy's name, its own name and the asset: a new version of the policy counts on.
 */
export function limit(name: string, options: LimitOptions, ...conditions: readonly Condition[]): LimitRule {
  const { asset, window, store } = options;
  const amount = toInteger(options.amount, "amount");
  assertArgument(amount >= 0n, "amount must not be negative", "amount", amount);
  assertArgument(
    Number.isSafeInteger(window) && window >= 1_000 && window <= MAX_WINDOW,
    `window must be an integer number of milliseconds from 1,000 to ${MAX_WINDOW}`,
    "window",
    window,
  );
  assertArgument(typeof store?.write === "function", "store must be a LimitStore", "store", typeof store);
  const described = base("limit", name, conditions, { asset: assetName(asset), amount: `${amount}`, window });
  return { effect: "limit", ...described, asset, amount, window, store };
}

function base(
  effect: Rule["effect"],
  name: string,
  conditions: readonly Condition[],
  more: { [name: string]: Json } = {},
) {
  assertArgument(typeof name === "string" && name !== "", "a rule needs a name", "name", name);
  const condition = every(...conditions);
  const description = { effect, name, ...more, conditions: conditions.map((each) => each.description) };
  return { name, condition, description };
}
