export { toSignRequest } from "../signer/read-request.ts";
export type { Approval, ApprovalRequest, Approver } from "./approvals.ts";
export type { Asset, Measure } from "./assets.ts";
export { type BaselineOptions, baseline } from "./baseline.ts";
export { type Contracts, call, nested } from "./calls.ts";
export {
  account,
  authorization,
  between,
  blobs,
  type Condition,
  chain,
  custom,
  type DelegationOptions,
  delegations,
  deploys,
  digests,
  every,
  kind,
  maxCost,
  message,
  noCalldata,
  not,
  some,
  type TimeOptions,
  to,
  unprotected,
  value,
} from "./conditions.ts";
export type { Json } from "./description.ts";
export type { PolicyEvaluation } from "./evaluation.ts";
export type { Hazard } from "./hazards.ts";
export { type LimitChange, type LimitEntry, type LimitStore, type LimitView, memoryLimitStore } from "./limit-store.ts";
export { atLeast, atMost, type Expected, each, type Matcher, oneOf } from "./matchers.ts";
export { definePolicy, Policy, type PolicyOptions } from "./policy.ts";
export { type PostgresLimitStore, type PostgresLimitStoreOptions, postgresLimitStore } from "./postgres-limit-store.ts";
export { type RedisLimitStoreOptions, redisLimitStore } from "./redis-limit-store.ts";
export {
  type AllowRule,
  type ApprovalRule,
  allow,
  type DenyRule,
  deny,
  type LimitOptions,
  type LimitRule,
  limit,
  type Rule,
  type RuleBase,
  requireApproval,
} from "./rules.ts";
export { type TypedDataOptions, typedData } from "./typed-data.ts";
