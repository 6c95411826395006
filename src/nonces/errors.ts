import { SignerError } from "../core/errors.ts";
import type { NonceRecord } from "./store.ts";

const OPERATION = "sendTransaction";

/** What identifies a transaction to the caller: pass the key again, or look for the hash. */
export type Committed = Pick<NonceRecord, "nonce" | "key"> & { readonly hash: string };

/** The hash that a node may have: of the last attempt. */
export function describeRecord({ nonce, key, attempts, minedHash, id }: NonceRecord): Committed {
  return { nonce, key, hash: minedHash ?? attempts.at(-1)?.hash ?? id };
}

/** BROADCAST_UNKNOWN: the transaction is committed, or may be, and whether it will be mined is not known. */
export function broadcastUnknown(
  what: string,
  record: Committed,
  { reason, refused = false }: { readonly reason?: string | undefined; readonly refused?: boolean } = {},
): SignerError {
  const { hash, nonce, key } = record;
  const retry =
    key === null
      ? "look for its hash, or reconcile, before you send it again: a second send could pay twice"
      : "send it again with the same idempotency key, which never signs another while this one can be mined";
  const message = `${what}; the transaction ${hash} with nonce ${nonce} may still be mined: ${retry}`;
  return new SignerError("BROADCAST_UNKNOWN", message, {
    operation: OPERATION,
    retryable: key !== null && !refused,
    info: { hash, nonce, idempotencyKey: key, refused, reason },
  });
}

/** IDEMPOTENCY_CONFLICT: nothing was signed. */
export function idempotencyConflict(what: string, { hash, nonce, key }: Committed): SignerError {
  const message = `${what}; use another idempotency key for another transaction`;
  return new SignerError("IDEMPOTENCY_CONFLICT", message, {
    operation: OPERATION,
    info: { hash, nonce, idempotencyKey: key },
  });
}

/** The nonce store failed. A send reports it only if nothing was signed. */
export function storeUnavailable(cause: unknown): SignerError {
  const { code } = Object(cause) as { readonly code?: unknown };
  // An identifier, as ECONNREFUSED or Postgres' 42P01; other text could be anything.
  const which = typeof code === "string" && /^[A-Z0-9_]{3,40}$/.test(code) ? ` (${code})` : "";
  const message = `the nonce store failed${which}; see the cause`;
  return new SignerError("BACKEND_UNAVAILABLE", message, { backend: "nonce-store", cause });
}
