import { SignerError, type SignerErrorCode, type SignerErrorContext } from "../core/errors.ts";

/**
 * Whether an error of this code concerns the replica that caused it, so that another one may succeed.
 *
 * A code that is added must be decided here: one that concerns the request, such as a person's refusal to approve it,
 * must not be sent to another replica.
 */
export const FAILS_OVER: Readonly<Record<SignerErrorCode, boolean>> = {
  // This replica's service, network or queue.
  BACKEND_UNAVAILABLE: true,
  BACKEND_TIMEOUT: true,
  THROTTLED: true,
  // This replica's login, policy or expired credentials; the key itself does not retry a refused PIN.
  ACCESS_DENIED: true,
  // The key was not copied here, was removed, disabled or made for another use.
  KEY_NOT_FOUND: true,
  KEY_UNUSABLE: true,
  // This replica's library or package is not installed.
  DEPENDENCY_MISSING: true,
  // Its response is wrong; every response of the next one is checked as well.
  BACKEND_RESPONSE_INVALID: true,
  SIGNATURE_MISMATCH: true,
  // It has another key: no reason to stop using those that still have the account's.
  KEY_CHANGED: true,
  ADDRESS_MISMATCH: true,
  // Another replica would receive the same request.
  KEY_EXISTS: false,
  // The content may be wrong for this replica alone, such as its grant tokens; the next one decides for itself.
  REQUEST_REJECTED: true,
  // This replica was closed, or the store that it belongs to.
  SIGNER_CLOSED: true,
  // They are a sender's, and no key's.
  BROADCAST_UNKNOWN: false,
  IDEMPOTENCY_CONFLICT: false,
  // Decided once, above all replicas.
  POLICY_DENIED: false,
  LIMIT_EXCEEDED: false,
  APPROVAL_DENIED: false,
  AUDIT_FAILED: false,
};

/**
 * One error for all replicas, in order of preference. A single replica's is returned as it is.
 *
 * Its code is that of the most preferred replica which may recover, so that code and `retryable` agree; if none
 * may, that of the preferred one. `info.replicas` names each with its code and message, and the cause holds the errors.
 */
export function noReplica(errors: readonly [SignerError, ...SignerError[]], context: SignerErrorContext): SignerError {
  const leading = errors.find((error) => error.retryable) ?? errors[0];
  if (errors.length === 1) return leading;
  const messages = errors.map((error) => `${error.keyId}: ${error.message}`).join("; ");
  const { requestId, retryable } = leading;
  const replicas = errors.map(({ backend, keyId, code, message }) => ({ backend, keyId, code, message }));
  return new SignerError(leading.code, `none of the key's ${errors.length} replicas signed. ${messages}`, {
    ...context,
    requestId,
    retryable,
    info: { ...leading.info, replicas },
    cause: new AggregateError(errors, "one error for each replica, in order of preference"),
  });
}
