import { isSignerError } from "ethers-hsm";

/** A transaction that was signed. */
export interface SignedPayment {
  readonly from: string;
  readonly chain_id: number;
  readonly nonce: number;
  /** Of the transaction. */
  readonly hash: string;
  /** What eth_sendRawTransaction takes. */
  readonly raw_transaction: string;
}

export interface Failure {
  readonly error: {
    /** A code of ethers, a SignerErrorCode, LIMIT_EXCEEDED, or INTERNAL_ERROR. */
    readonly code: string;
    readonly message: string;
    /** Whether the same request, with the same nonce, may succeed later. */
    readonly retryable: boolean;
    /** The vendor's number of the request that failed. */
    readonly request_id?: string;
  };
  /** Where the node may have it although it did not say so: look for its hash before you pay again. */
  readonly signed?: SignedPayment;
}

/** The deployment's own limits forbid it. */
export class LimitExceeded extends Error {}

/** The transaction was signed, and it is not known whether the node took it. */
export class BroadcastFailed extends Error {
  readonly signed: SignedPayment;

  constructor(signed: SignedPayment, cause: unknown) {
    super("the transaction was signed but not accepted", { cause });
    this.signed = signed;
  }
}

const PASSING = new Set(["NETWORK_ERROR", "SERVER_ERROR", "TIMEOUT"]);

/**
 * What a caller is told. An ethers error's `message` can hold the RPC's URL and with it a key, so that only its `shortMessage` is
 * passed on.
 */
export function describeFailure(error: unknown): Failure {
  if (error instanceof BroadcastFailed) return { ...describeFailure(error.cause), signed: error.signed };
  if (isSignerError(error)) {
    const { code, message, retryable, requestId } = error;
    return { error: { code, message, retryable, ...(requestId === undefined ? {} : { request_id: requestId }) } };
  }
  if (error instanceof LimitExceeded) return failure("LIMIT_EXCEEDED", error.message);
  const { code, shortMessage } = error as { readonly code?: unknown; readonly shortMessage?: unknown };
  if (typeof code === "string" && typeof shortMessage === "string") return failure(code, shortMessage);
  // Node's own: ECONNREFUSED, ENOTFOUND and so on.
  if (typeof code === "string" && /^E[A-Z_]+$/.test(code)) {
    return failure("NETWORK_ERROR", `the RPC did not answer (${code})`);
  }
  return failure("INTERNAL_ERROR", "the function reported an internal error: its log says where");
}

function failure(code: string, message: string): Failure {
  return { error: { code, message, retryable: PASSING.has(code) } };
}
