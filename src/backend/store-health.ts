import type { StoreHealth } from "../accounts/key-store.ts";
import { isSignerError, type SignerError, type SignerErrorCode } from "../core/errors.ts";
import type { CallOptions, RemoteKey } from "../signer/remote-key.ts";

// Nothing that knows the store's keys answered.
const UNREACHED: ReadonlySet<SignerErrorCode> = new Set([
  "BACKEND_UNAVAILABLE",
  "BACKEND_TIMEOUT",
  "BACKEND_RESPONSE_INVALID",
  "DEPENDENCY_MISSING",
  "SIGNER_CLOSED",
]);

/**
 * A store's health by one rule: it is reachable if the service itself answered a listing, be it with a refusal; not if the source of its
 * credentials failed, nor with an internal error.
 *
 * @param list a listing of one key.
 * @param service the `info.source` of the service's own failures.
 * @throws the signal's `reason` alone.
 */
export async function readStoreHealth(
  list: () => Promise<unknown>,
  service: string,
  options: CallOptions,
): Promise<StoreHealth> {
  const error = await failureOf(list, options);
  if (!error) return { reachable: true, canList: true, canSign: undefined, error };
  const source = error.info?.["source"];
  // A call that was throttled up to its deadline names no source: it was the service.
  const isService = source === service || (source === undefined && error.code === "THROTTLED");
  const reachable = isService && !UNREACHED.has(error.code);
  const canList = reachable && error.code === "ACCESS_DENIED" ? false : undefined;
  return { reachable, canList, canSign: undefined, error };
}

/** The same with whether the caller may sign, by the health of some keys; undefined if none of them can tell. */
export async function addKeysHealth(
  health: StoreHealth,
  keys: readonly (RemoteKey | undefined)[],
  options: CallOptions,
): Promise<StoreHealth> {
  const failures = await Promise.all(keys.map(async (key) => (await key?.health?.(options))?.error));
  const denied = failures.find((failure) => failure?.code === "ACCESS_DENIED");
  const canSign = denied ? false : failures.includes(undefined) || undefined;
  return { ...health, canSign, error: health.error ?? denied ?? failures.find((failure) => failure !== undefined) };
}

/** The SignerError of `call`; undefined if it succeeds. @throws the signal's `reason` alone. */
async function failureOf(call: () => Promise<unknown>, { signal }: CallOptions): Promise<SignerError | undefined> {
  try {
    await call();
    return undefined;
  } catch (error) {
    if (signal?.aborted || !isSignerError(error)) throw error;
    return error;
  }
}
