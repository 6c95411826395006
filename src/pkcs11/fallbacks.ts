import { assertArgument } from "ethers";
import { FailoverKey } from "../signer/failover-key.ts";
import { Pkcs11Key } from "./key.ts";
import type { Pkcs11KeyOptions, Pkcs11SignerOptions } from "./options.ts";

// Of each kind one is enough, and two may contradict each other.
const SELECTORS = [
  ["tokenLabel", "slot", "slotIndex", "match"],
  ["keyLabel", "keyId"],
] as const;

/** `options` with what `fallback` changes; if it names one of a kind, all of that kind are its own. */
export function withFallback<T extends object>(
  options: T,
  fallback: Partial<T>,
  kinds: readonly (readonly string[])[] = [],
): T {
  const merged: Partial<Record<string, unknown>> = { ...(options as Record<string, unknown>) };
  for (const kind of [...SELECTORS, ...kinds]) {
    if (!kind.some((name) => name in fallback)) continue;
    for (const name of kind) delete merged[name];
  }
  return Object.assign(merged, fallback) as T;
}

/** One key for the token and its fallbacks, in order of preference. @throws ethers' INVALID_ARGUMENT without `expectedAddress`. */
export function failoverKey(options: Pkcs11SignerOptions, backend: string): FailoverKey {
  const { fallbacks = [], failover, ...signer } = options;
  const { expectedAddress, timeout, verifier, policy, audit, requireCustody, observer, ...preferred } = signer;
  assertArgument(
    expectedAddress !== undefined,
    "fallbacks need the expectedAddress: it decides which tokens hold the account's key",
    "expectedAddress",
    expectedAddress,
  );
  const others = fallbacks.map((fallback) => withFallback<Pkcs11KeyOptions>(preferred, fallback));
  const keys = [preferred, ...others].map((each) => new Pkcs11Key(each, backend));
  const shared = { expectedAddress, timeout, verifier, policy, audit, requireCustody, observer };
  return new FailoverKey(keys, { ...failover, ...shared });
}
