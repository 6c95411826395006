import { assertArgument, getAddress, keccak256, ZeroAddress } from "ethers";
import type { SignRequest, TransactionSignRequest } from "../signer/sign-request.ts";
import type { RequestedDelegation } from "../signer/transaction-fields.ts";
import type { Json } from "./description.ts";
import { findHazards, type Hazard } from "./hazards.ts";
import { toInteger } from "./matchers.ts";

/** A pure, synchronous question about a request. */
export interface Condition {
  /** What it is in the policy's description. */
  readonly description: Json;
  /**
   * What of the request the condition names, if it holds; undefined if it does not.
   *
   * @throws any error if it cannot tell: the request is denied then, whatever the rules say.
   */
  match(request: SignRequest): readonly Hazard[] | undefined;
}

/** @param names what it names of a request for which it holds. */
function condition(
  description: Json,
  holds: (request: SignRequest) => boolean,
  names: readonly Hazard[] = [],
): Condition {
  return { description, match: (request) => (holds(request) ? names : undefined) };
}

function onTransaction(
  description: Json,
  holds: (request: TransactionSignRequest) => boolean,
  names?: readonly Hazard[],
): Condition {
  return condition(description, (request) => request.kind === "transaction" && holds(request), names);
}

/** Requests of these kinds: "transaction", "message", "typed-data", "authorization", "digest". It names nothing. */
export function kind(...kinds: readonly SignRequest["kind"][]): Condition {
  return condition({ kind: kinds }, (request) => kinds.includes(request.kind));
}

/** The account that signs is one of these. */
export function account(...addresses: readonly string[]): Condition {
  const own = addresses.map((each) => getAddress(each));
  return condition({ account: own }, (request) => own.includes(request.account));
}

/**
 * The chain of a transaction, of an authorization, or of a typed-data domain is one of these (EIP-155). Messages and digests have none. Naming 0
 * allows transactions and typed data for chain 0, which hold on every chain; authorizations for chain 0 need `authorization`.
 */
export function chain(...chainIds: readonly (bigint | number)[]): Condition {
  const own = chainIds.map((each) => toInteger(each, "chainIds"));
  const names: readonly Hazard[] = own.includes(0n) ? ["every-chain"] : [];
  return condition({ chain: own.map(String) }, (request) => own.includes(chainOf(request) ?? -1n), names);
}

function chainOf(request: SignRequest): bigint | null {
  if (request.kind === "transaction" || request.kind === "authorization") return request.chainId;
  return request.kind === "typed-data" ? request.domain.chainId : null;
}

/** A transaction to one of these addresses. It says nothing of the calldata. */
export function to(...addresses: readonly string[]): Condition {
  const own = addresses.map((each) => getAddress(each));
  return onTransaction({ to: own }, (request) => request.to !== null && own.includes(request.to));
}

/** A transaction of at most so much value, in wei. */
export function value(atMost: bigint | number): Condition {
  const most = toInteger(atMost, "atMost");
  return onTransaction({ value: `${most}` }, (request) => request.value <= most);
}

/** A transaction that costs the account at most so much, in wei: value, gasLimit × the fee ceiling, and blobs. Not a rollup's data fee. */
export function maxCost(atMost: bigint | number): Condition {
  const most = toInteger(atMost, "atMost");
  return onTransaction({ maxCost: `${most}` }, (request) => request.maxCost <= most);
}

/** A transaction without calldata: it moves value, and a contract runs its `receive`. */
export function noCalldata(): Condition {
  return onTransaction({ noCalldata: true }, ({ to, data }) => to !== null && data === "0x");
}

/** A transaction that creates a contract, from init code with one of these keccak-256 hashes; with none given, from any. */
export function deploys(...initCodeHashes: readonly string[]): Condition {
  const hashes = initCodeHashes.map((each) => each.toLowerCase());
  const isKnown = (data: string) => hashes.length === 0 || hashes.includes(keccak256(data));
  return onTransaction({ deploys: hashes }, (request) => request.to === null && isKnown(request.data), ["deployment"]);
}

/** A transaction of type 3 (EIP-4844) with at most so many blobs. */
export function blobs(atMost: number): Condition {
  return onTransaction({ blobs: atMost }, (request) => request.type === 3 && request.blobs <= atMost, ["blobs"]);
}

/** A legacy transaction without EIP-155: anyone can send it on every chain. */
export function unprotected(): Condition {
  return onTransaction({ unprotected: true }, ({ chainId }) => chainId === null, ["unprotected"]);
}

/** Digests without a payload, and messages of 32 bytes, which contracts use as digests. A digest can be any transaction. */
export function digests(): Condition {
  return condition({ digests: true }, (request) => findHazards(request).includes("digest"), ["digest"]);
}

/** What an account may be delegated to (EIP-7702). */
export interface DelegationOptions {
  /** Contracts whose code the account may run. The zero address, which revokes, is always one of them. Default: it alone. */
  readonly delegates?: readonly string[] | undefined;
  /** The chains on which it may hold; 0 is every chain. Default: every one but 0. */
  readonly chains?: readonly (bigint | number)[] | undefined;
}

/** An authorization of EIP-7702 that is signed on its own. */
export function authorization(options: DelegationOptions = {}): Condition {
  const { description, isKnown, names } = readDelegation(options);
  return condition({ authorization: description }, (each) => each.kind === "authorization" && isKnown(each), names);
}

/** A transaction of type 4 (EIP-7702) of whose list each entry is one of these. */
export function delegations(options: DelegationOptions = {}): Condition {
  const { description, isKnown, names } = readDelegation(options);
  return onTransaction(
    { delegations: description },
    (each) => each.type === 4 && each.delegations.every(isKnown),
    names,
  );
}

function readDelegation({ delegates = [], chains }: DelegationOptions) {
  const own = [...delegates.map((each) => getAddress(each)), ZeroAddress];
  const on = chains?.map((each) => toInteger(each, "chains"));
  const isOn = (chainId: bigint) => (on ? on.includes(chainId) : chainId !== 0n);
  return {
    description: { delegates: own, chains: on?.map(String) },
    isKnown: ({ delegate, chainId }: RequestedDelegation) => own.includes(delegate) && isOn(chainId),
    names: ["delegation", ...(on?.includes(0n) ? ["every-chain-delegation" as const] : [])] as const,
  };
}

/**
 * A message of EIP-191 that is this text, or in which the expression finds something: anchor it. Without an argument, any message. A message of
 * 32 bytes needs `digests` besides.
 */
export function message(matching?: string | RegExp): Condition {
  const isExpression = matching instanceof RegExp;
  // The flags g and y keep a position between calls.
  assertArgument(
    !isExpression || !/[gy]/.test(matching.flags),
    "matching must not have the flags g and y",
    "matching",
    matching,
  );
  const description = isExpression ? { expression: matching.source, flags: matching.flags } : (matching ?? null);
  const isSame = (text: string) => (isExpression ? matching.test(text) : text === matching);
  return condition({ message: description }, (request) => {
    if (request.kind !== "message") return false;
    return matching === undefined || (request.text !== null && isSame(request.text));
  });
}

/** Hours and days in UTC. */
export interface TimeOptions {
  /** For example "08:00". Default: "00:00". */
  readonly from?: string | undefined;
  /** For example "18:00", which is not within; earlier than `from`: on the next day. Default: "24:00". */
  readonly to?: string | undefined;
  /** 1 is Monday, 7 Sunday: the day on which it is signed. Default: all. */
  readonly days?: readonly number[] | undefined;
}

/** A request at these times, in UTC, by this process's clock. */
export function between({ from = "00:00", to = "24:00", days = [1, 2, 3, 4, 5, 6, 7] }: TimeOptions): Condition {
  const [start, end] = [readTime(from, "from"), readTime(to, "to")];
  const areDays = days.length > 0 && days.every((day) => Number.isInteger(day) && day >= 1 && day <= 7);
  assertArgument(areDays, "days must be numbers from 1 (Monday) to 7 (Sunday)", "days", days);
  return condition({ between: { from, to, days } }, ({ time }) => {
    const date = new Date(time);
    const minute = date.getUTCHours() * 60 + date.getUTCMinutes();
    const isWithin = start <= end ? start <= minute && minute < end : start <= minute || minute < end;
    return isWithin && days.includes(date.getUTCDay() || 7);
  });
}

function readTime(text: string, name: string): number {
  const [, hours, minutes] = /^([01]\d|2[0-4]):([0-5]\d)$/.exec(text) ?? [];
  const minute = Number(hours) * 60 + Number(minutes);
  assertArgument(minute <= 24 * 60, `${name} must be a time such as "08:00"`, name, text);
  return minute;
}

/** All of them hold. */
export function every(...conditions: readonly Condition[]): Condition {
  return {
    description: { every: conditions.map(({ description }) => description) },
    match: (request) => {
      let names: readonly Hazard[] | undefined = [];
      // Every one is asked, so that an error does not depend on their order.
      for (const each of conditions) {
        const own = each.match(request);
        names = names && own && (own.length > 0 ? [...names, ...own] : names);
      }
      return names;
    },
  };
}

/** At least one of them holds. */
export function some(...conditions: readonly Condition[]): Condition {
  return {
    description: { some: conditions.map(({ description }) => description) },
    match: (request) => {
      const matches = conditions.map((each) => each.match(request)).filter((each) => each !== undefined);
      return matches.length > 0 ? matches.flat() : undefined;
    },
  };
}

/** It does not hold. It names nothing. */
export function not(negated: Condition): Condition {
  return condition({ not: negated.description }, (request) => negated.match(request) === undefined);
}

/**
 * A condition of your own, which enters the policy's description by name and version: raise the version with each change.
 *
 * @param test pure and synchronous. Anything that it returns but true and false denies the request, and so does a promise.
 * @param names what it names of a request for which it holds. Default: nothing.
 */
export function custom(
  name: string,
  version: string | number,
  test: (request: SignRequest) => boolean,
  names: readonly Hazard[] = [],
): Condition {
  const holds = (request: SignRequest) => {
    const result: unknown = test(request);
    if (typeof result === "boolean") return result;
    if (result instanceof Promise) result.catch(() => {});
    throw new Error(`the condition ${name} returned neither true nor false`);
  };
  return condition({ custom: name, version, names }, holds, names);
}
