import { FailoverKey } from "../signer/failover-key.ts";
import { checkTimeout } from "../signer/remote-account.ts";
import type { RemoteKey } from "../signer/remote-key.ts";
import { Pkcs11Key } from "./key.ts";
import type { Pkcs11KeyOptions, Pkcs11SignerOptions } from "./options.ts";

// Of each kind one is enough, and two may contradict each other.
const SELECTORS = [
  ["tokenLabel", "slot", "slotIndex", "match"],
  ["keyLabel", "keyId"],
] as const;

const LONGEST_ATTEMPT_MS = 10_000;

/** `options` with what `fallback` changes; where it names one of a kind, all of that kind are its own. */
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

/** The signer's key on its tokens, the preferred one first. */
export function keysOf(
  { fallbacks = [], ...options }: Pkcs11SignerOptions,
  backend: string,
): [Pkcs11Key, ...Pkcs11Key[]] {
  const onFallbacks = fallbacks.map((fallback) => withFallback<Pkcs11KeyOptions>(options, fallback));
  return [new Pkcs11Key(options, backend), ...onFallbacks.map((each) => new Pkcs11Key(each, backend))];
}

/** One key for them all. */
export function failoverOf(
  keys: readonly [Pkcs11Key, ...Pkcs11Key[]],
  { timeout, expectedAddress, failover }: Pkcs11SignerOptions,
): RemoteKey {
  if (keys.length === 1) return keys[0];
  const share = Math.max(1, Math.floor(checkTimeout(timeout) / keys.length));
  return new FailoverKey(keys, {
    attemptTimeout: Math.min(share, LONGEST_ATTEMPT_MS),
    expectedAddress,
    ...failover,
  });
}
