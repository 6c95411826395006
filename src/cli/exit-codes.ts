import { isSignerError, type SignerErrorCode } from "../core/errors.ts";
import { CommandError, type CommandErrorCode } from "./errors.ts";

/** The exit code of the process. */
export const EXIT = {
  ok: 0,
  /** A check said no: `verify` or `doctor`. */
  failedCheck: 1,
  /** The command line, a file or a URI cannot be right. */
  usage: 2,
  /** Credentials or a PIN are missing or refused, or lack a permission. */
  accessDenied: 3,
  /** The key or token does not exist. */
  notFound: 4,
  /** The backend is out of reach, too slow, or asks for fewer requests: the same may work later. */
  unavailable: 5,
  /** The node refused, or is out of reach; a transaction that failed in its block. */
  chain: 6,
  /** The key or its response is not what it must be. */
  key: 7,
  /** A package or a library is not installed. */
  dependency: 8,
  /** A question was not answered with yes, there was no terminal to ask at, the fee is above the ceiling, or the policy denied. */
  declined: 9,
  /** Anything else: please report it. */
  unexpected: 70,
} as const;

const OF_SIGNER: Readonly<Record<SignerErrorCode, number>> = {
  ACCESS_DENIED: EXIT.accessDenied,
  KEY_NOT_FOUND: EXIT.notFound,
  BACKEND_TIMEOUT: EXIT.unavailable,
  BACKEND_UNAVAILABLE: EXIT.unavailable,
  THROTTLED: EXIT.unavailable,
  SIGNER_CLOSED: EXIT.unexpected,
  KEY_EXISTS: EXIT.usage,
  REQUEST_REJECTED: EXIT.usage,
  KEY_UNUSABLE: EXIT.key,
  KEY_CHANGED: EXIT.key,
  ADDRESS_MISMATCH: EXIT.key,
  SIGNATURE_MISMATCH: EXIT.key,
  BACKEND_RESPONSE_INVALID: EXIT.key,
  DEPENDENCY_MISSING: EXIT.dependency,
  BROADCAST_UNKNOWN: EXIT.chain,
  IDEMPOTENCY_CONFLICT: EXIT.usage,
  POLICY_DENIED: EXIT.declined,
  LIMIT_EXCEEDED: EXIT.declined,
  APPROVAL_DENIED: EXIT.declined,
  AUDIT_FAILED: EXIT.unavailable,
};

const OF_COMMAND: Readonly<Record<CommandErrorCode, number>> = {
  USAGE: EXIT.usage,
  ACCESS_DENIED: EXIT.accessDenied,
  NODE_UNREACHABLE: EXIT.chain,
  NODE_RESPONSE_INVALID: EXIT.chain,
  NAME_NOT_FOUND: EXIT.chain,
  BROADCAST_REJECTED: EXIT.chain,
  BROADCAST_UNKNOWN: EXIT.chain,
  NOT_MINED: EXIT.chain,
  DECLINED: EXIT.declined,
  FEE_TOO_HIGH: EXIT.declined,
  CHECK_FAILED: EXIT.failedCheck,
};

const USAGE_CODES: ReadonlySet<unknown> = new Set([
  "INVALID_ARGUMENT",
  "UNEXPECTED_ARGUMENT",
  "MISSING_ARGUMENT",
  "NUMERIC_FAULT",
  "BUFFER_OVERRUN",
]);

// ethers' codes for a node's errors, or for a node that does not respond.
export const CHAIN_CODES: ReadonlySet<unknown> = new Set([
  "NETWORK_ERROR",
  "SERVER_ERROR",
  "TIMEOUT",
  "BAD_DATA",
  "UNKNOWN_ERROR",
  "CALL_EXCEPTION",
  "INSUFFICIENT_FUNDS",
  "NONCE_EXPIRED",
  "REPLACEMENT_UNDERPRICED",
  "TRANSACTION_REPLACED",
  "UNCONFIGURED_NAME",
  "OFFCHAIN_FAULT",
]);

export function exitCodeOf(error: unknown): number {
  if (error instanceof CommandError) return OF_COMMAND[error.code];
  if (isSignerError(error)) return OF_SIGNER[error.code];
  const { code } = error as { readonly code?: unknown };
  if (USAGE_CODES.has(code)) return EXIT.usage;
  if (CHAIN_CODES.has(code)) return EXIT.chain;
  return EXIT.unexpected;
}
