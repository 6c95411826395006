import { call } from "./calls.ts";
import { chain, digests, every, kind, maxCost, not, unprotected } from "./conditions.ts";
import { atLeast } from "./matchers.ts";
import { type DenyRule, deny } from "./rules.ts";

/** What {@link baseline} denies. */
export interface BaselineOptions {
  /** The chains that the account is for (EIP-155). */
  readonly chains: readonly (bigint | number)[];
  /** The most that one transaction may cost with its fees, in wei. Default: no limit. */
  readonly maxCost?: bigint | number | undefined;
}

/** An approval of more than this is meant to be without a limit. */
const UNLIMITED = 2n ** 128n;

/**
 * Rules that a cautious operator spreads first: `rules: [...baseline({ chains: [1] }), allow(…), …]`. They allow nothing, and no other rule allows
 * what they deny: other chains, bare digests and messages of 32 bytes, legacy transactions without EIP-155, token approvals without a limit and
 * for all tokens, and transactions above `maxCost`.
 */
export function baseline({ chains, maxCost: most }: BaselineOptions): readonly DenyRule[] {
  const rules = [
    deny("baseline: other chains", kind("transaction", "typed-data", "authorization"), not(chain(...chains))),
    deny("baseline: bare digests", digests()),
    deny("baseline: no chain", unprotected()),
    deny(
      "baseline: unlimited approval",
      call("any", "approve(address spender, uint256 amount)", { amount: atLeast(UNLIMITED) }),
    ),
    deny(
      "baseline: unlimited increase",
      call("any", "increaseAllowance(address spender, uint256 amount)", { amount: atLeast(UNLIMITED) }),
    ),
    deny(
      "baseline: approval for all",
      call("any", "setApprovalForAll(address operator, bool approved)", { approved: true }),
    ),
  ];
  if (most === undefined) return rules;
  return [...rules, deny("baseline: cost", every(kind("transaction"), not(maxCost(most))))];
}
