import { isSignerError, SignerError, type SignerErrorCode, type SignerErrorContext } from "../core/errors.ts";
import { readable } from "../core/thrown.ts";
import { isEthersError } from "./ethers-error.ts";
import type { RemoteKey } from "./remote-key.ts";

/**
 * Whether an error of this code concerns the replica that gave it, so that another one may do better.
 *
 * A code that is added must be decided here: one that speaks of the request, such as a person's refusal to approve it,
 * must not be asked elsewhere again.
 */
const FAILS_OVER: Readonly<Record<SignerErrorCode, boolean>> = {
  // This replica's service, network or queue.
  BACKEND_UNAVAILABLE: true,
  BACKEND_TIMEOUT: true,
  THROTTLED: true,
  // This replica's login, policy or expired credentials; a refused PIN is not tried again by the key itself.
  ACCESS_DENIED: true,
  // The key was not copied here, was removed, disabled or made for another use.
  KEY_NOT_FOUND: true,
  KEY_UNUSABLE: true,
  // This replica's library or package is not installed.
  DEPENDENCY_MISSING: true,
  // What it answered is wrong; every answer of the next one is checked as well.
  BACKEND_RESPONSE_INVALID: true,
  SIGNATURE_MISMATCH: true,
  // Another key stands here: never a reason to stop using those that still hold the account's.
  KEY_CHANGED: true,
  ADDRESS_MISMATCH: true,
  // Another replica would be asked for the same.
  KEY_EXISTS: false,
  // Somebody closed this replica, or the store that it belongs to.
  SIGNER_CLOSED: true,
};

/**
 * The error as the replica's own, where another replica may do better; undefined where the request itself is at fault.
 *
 * What a foreign implementation throws counts as RemoteSigner takes it: BACKEND_UNAVAILABLE, with the original as cause.
 */
export function replicaError(error: unknown, key: RemoteKey, operation: string): SignerError | undefined {
  const context = { backend: key.backend, keyId: key.id, operation };
  if (isSignerError(error)) return FAILS_OVER[error.code] ? error.withContext(context) : undefined;
  if (isEthersError(error)) return undefined;
  const message = `${key.backend} failed with an error of its own; see the cause`;
  return new SignerError("BACKEND_UNAVAILABLE", message, { ...context, retryable: false, cause: readable(error) });
}

/**
 * One error for all replicas, in order of preference. A single replica's is thrown as it is.
 *
 * Its code is that of the most preferred replica which may recover by itself, so that code and `retryable` agree; where none
 * may, that of the preferred one. `info.replicas` names each with its code and message, and the cause holds the errors.
 */
export function noReplica(errors: readonly [SignerError, ...SignerError[]], context: SignerErrorContext): SignerError {
  const leading = errors.find((error) => error.retryable) ?? errors[0];
  if (errors.length === 1) return leading;
  const told = errors.map((error) => `${error.keyId}: ${error.message}`).join("; ");
  const { requestId, retryable } = leading;
  const replicas = errors.map(({ backend, keyId, code, message }) => ({ backend, keyId, code, message }));
  return new SignerError(leading.code, `none of the key's ${errors.length} replicas answered. ${told}`, {
    ...context,
    requestId,
    retryable,
    info: { ...leading.info, replicas },
    cause: new AggregateError(errors, "one error for each replica, in order of preference"),
  });
}

/** Which key a replica holds, for the messages of the two errors below. */
export interface ReplicaIdentity {
  readonly keyId: string;
  readonly address: string;
}

/** KEY_CHANGED: the replicas disagree. `info.previous` is who the account was, `info.current` the one that differs. */
export function replicaDiffers(previous: ReplicaIdentity, current: ReplicaIdentity): SignerError {
  return new SignerError(
    "KEY_CHANGED",
    `the replica ${current.keyId} holds the key of the account ${current.address}, but ${previous.keyId} that of ` +
      `${previous.address}. It signs nothing; configure replicas of one key, and say which by expectedAddress`,
    { keyId: current.keyId, info: { previous, current } },
  );
}

/** ADDRESS_MISMATCH: the replica holds another key than the expected account's. */
export function replicaUnexpected(expected: string, { keyId, address }: ReplicaIdentity): SignerError {
  return new SignerError(
    "ADDRESS_MISMATCH",
    `the replica ${keyId} holds the key of the account ${address}, not of the expectedAddress ${expected}. It signs ` +
      "nothing; correct one of the two",
    { keyId, info: { expected, actual: address } },
  );
}
