import { assertArgument, type FunctionFragment, getAddress } from "ethers";
import type { SignRequest } from "../signer/sign-request.ts";
import { decodeArguments, isCallOf, parseFunction } from "./calldata.ts";
import type { Condition } from "./conditions.ts";
import { innerRequests, isContainer } from "./containers.ts";
import { findHazards } from "./hazards.ts";
import { type Expected, toMatcher } from "./matchers.ts";

/** A contract, several, or any: "any". */
export type Contracts = string | readonly string[];

/**
 * A call of one function of a contract, in a transaction or within a call that `nested` decodes.
 *
 * What is not the one encoding of its arguments denies the request, and so does value for a function that is not `payable` in the signature.
 *
 * @param signature with the names of the arguments that are looked at: `"transfer(address to, uint256 amount)"`.
 * @param args what arguments must be, by name. Those that are not named may be anything.
 * @throws ethers' INVALID_ARGUMENT, also for a function that carries other calls: use `nested`.
 */
export function call(
  contracts: Contracts,
  signature: string,
  args: { readonly [name: string]: Expected } = {},
): Condition {
  const called = parseFunction(signature);
  const { fragment, selector } = called;
  assertArgument(
    !isContainer(selector),
    "the function carries other calls, which would not be looked at: use nested()",
    "signature",
    signature,
  );
  for (const name of Object.keys(args)) requireArgument(fragment, name, signature);
  const isTarget = readContracts(contracts);
  const matcher = toMatcher(args);
  return {
    description: { call: describeContracts(contracts), function: fragment.format("full"), args: matcher.description },
    match: (request) => {
      if (request.kind !== "transaction" || !isTarget(request.to) || !isCallOf(called, request.data)) return undefined;
      // Not merely another request: a rule that denies the call must not be passed by a wei.
      if (request.value !== 0n && !fragment.payable)
        throw new Error(`${fragment.name} is called with value and is not payable`);
      return matcher.matches(decodeArguments(called, request.data)) ? [] : undefined;
    },
  };
}

/**
 * A call that carries other calls, of each of which one of the conditions holds: `multicall`, Safe's `execTransaction`, Multicall3's
 * `aggregate`, `tryAggregate`, `aggregate3` and `aggregate3Value`, ERC-4337's `execute` and `executeBatch`.
 *
 * A Safe transaction that is a delegatecall, or pays a refund, is never decoded; nor are `multiSend`, modules' calls, the Universal Router's and
 * ERC-7579's. They are denied.
 *
 * @param contracts that unpack the calls: the Safe, the multicall contract.
 */
export function nested(contracts: Contracts, ...conditions: readonly Condition[]): Condition {
  assertArgument(conditions.length > 0, "pass at least one condition for the calls", "conditions", conditions.length);
  const isTarget = readContracts(contracts);
  const isAllowed = (inner: SignRequest) => conditions.some((each) => covers(each, inner));
  return {
    description: { nested: describeContracts(contracts), some: conditions.map(({ description }) => description) },
    match: (request) => {
      if (request.kind !== "transaction" || !isTarget(request.to) || !isContainer(request.data)) return undefined;
      return innerRequests(request).every(isAllowed) ? ["nested-call"] : undefined;
    },
  };
}

/** Whether the condition holds for a call within a transaction, and names the calls that it carries itself, if it does. */
function covers(each: Condition, inner: SignRequest): boolean {
  const names = each.match(inner);
  return names !== undefined && (!findHazards(inner).includes("nested-call") || names.includes("nested-call"));
}

function requireArgument({ inputs }: FunctionFragment, name: string, signature: string): void {
  const isThere = inputs.some((input, index) => (input.name || `${index}`) === name);
  assertArgument(
    isThere,
    `the signature has no argument ${name}: write it as "transfer(address to, uint256 amount)"`,
    "signature",
    signature,
  );
}

function readContracts(contracts: Contracts): (to: string | null) => boolean {
  if (contracts === "any") return (to) => to !== null;
  const own = [contracts].flat().map((each) => getAddress(each));
  return (to) => to !== null && own.includes(to);
}

function describeContracts(contracts: Contracts) {
  return contracts === "any" ? "any" : [contracts].flat().map((each) => getAddress(each));
}
