import { isSignerError, type SignerError, type SignerErrorCode } from "../core/errors.ts";

/** The error codes that this provider gives out, by the document that defines them. */
export const RPC_CODES = {
  // EIP-1193, "Provider Errors".
  userRejected: 4001,
  unauthorized: 4100,
  unsupportedMethod: 4200,
  disconnected: 4900,
  chainDisconnected: 4901,
  // EIP-3326, "Errors".
  unrecognizedChain: 4902,
  // EIP-5792, "Error Codes".
  unsupportedCapability: 5700,
  unsupportedChain: 5710,
  duplicateId: 5720,
  unknownBundle: 5730,
  bundleTooLarge: 5740,
  atomicityUnsupported: 5760,
  // JSON-RPC 2.0, section 5.1.
  invalidRequest: -32600,
  invalidParams: -32602,
  internal: -32603,
  // EIP-1474, "Error codes".
  resourceUnavailable: -32002,
  transactionRejected: -32003,
  limitExceeded: -32005,
} as const;

/** The optional parts of a `ProviderRpcError`. */
export interface ProviderRpcErrorOptions {
  /** Facts for programs, never a secret. An upstream's error keeps the `data` that it had. */
  readonly data?: unknown;
  /** The `SignerError` that caused it, or what another signer threw. */
  readonly cause?: unknown;
}

/**
 * What every rejected `request` rejects with (EIP-1193, "Errors"): a numeric `code`, a message for people, and `data`.
 *
 * The message and `data` hold no PIN, token or credential, and no upstream's URL.
 */
export class ProviderRpcError extends Error {
  /** A code of EIP-1193, EIP-1474, EIP-3326, EIP-5792 or JSON-RPC 2.0. */
  readonly code: number;
  /** Facts for programs: the node's own, or the SignerError's code and whether it is `retryable`. */
  readonly data: unknown;

  static {
    const name = { value: "ProviderRpcError", configurable: true, writable: true };
    Object.defineProperty(ProviderRpcError.prototype, "name", name);
  }

  /** `message` must hold no secret. */
  constructor(code: number, message: string, options: ProviderRpcErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.data = options.data;
  }
}

/** A {@link ProviderRpcError} of code -32602: what every parser of parameters throws. */
export function invalidParams(message: string): ProviderRpcError {
  return new ProviderRpcError(RPC_CODES.invalidParams, message);
}

/** A {@link ProviderRpcError} of code 4100 for an account that the provider does not have. */
export function unknownAccount(address: string): ProviderRpcError {
  return new ProviderRpcError(RPC_CODES.unauthorized, `the account ${address} is not one of this provider's`);
}

/** A code that is absent here is an internal error: the caller and its account cannot change it. */
const SIGNER_CODES: Partial<Record<SignerErrorCode, number>> = {
  KEY_NOT_FOUND: RPC_CODES.unauthorized,
  KEY_UNUSABLE: RPC_CODES.unauthorized,
  KEY_CHANGED: RPC_CODES.unauthorized,
  ADDRESS_MISMATCH: RPC_CODES.unauthorized,
  ACCESS_DENIED: RPC_CODES.unauthorized,
  SIGNER_CLOSED: RPC_CODES.unauthorized,
  THROTTLED: RPC_CODES.limitExceeded,
  BACKEND_TIMEOUT: RPC_CODES.resourceUnavailable,
  BACKEND_UNAVAILABLE: RPC_CODES.resourceUnavailable,
  POLICY_DENIED: RPC_CODES.userRejected,
  LIMIT_EXCEEDED: RPC_CODES.userRejected,
  APPROVAL_DENIED: RPC_CODES.userRejected,
  AUDIT_FAILED: RPC_CODES.resourceUnavailable,
  // As where this provider counts the nonces itself.
  BROADCAST_UNKNOWN: RPC_CODES.disconnected,
};

const ETHERS_CODES: Readonly<Record<string, number>> = {
  INVALID_ARGUMENT: RPC_CODES.invalidParams,
  MISSING_ARGUMENT: RPC_CODES.invalidParams,
  NUMERIC_FAULT: RPC_CODES.invalidParams,
  UNSUPPORTED_OPERATION: RPC_CODES.unsupportedMethod,
  NOT_IMPLEMENTED: RPC_CODES.unsupportedMethod,
  ACTION_REJECTED: RPC_CODES.userRejected,
  NETWORK_ERROR: RPC_CODES.resourceUnavailable,
  SERVER_ERROR: RPC_CODES.resourceUnavailable,
  TIMEOUT: RPC_CODES.resourceUnavailable,
  NONCE_EXPIRED: RPC_CODES.transactionRejected,
};

/** The rejection of a request: what the provider or the upstream refused, or what the account's signer threw. */
export function providerError(error: unknown): ProviderRpcError {
  if (error instanceof ProviderRpcError) return error;
  if (isSignerError(error)) return fromSignerError(error);
  const answered = findRpcError(error);
  if (answered) return answered;
  const { code, shortMessage } = properties(error);
  const known = typeof code === "string" && typeof shortMessage === "string" ? ETHERS_CODES[code] : undefined;
  // ethers' long message quotes the arguments.
  if (known !== undefined) return new ProviderRpcError(known, String(shortMessage));
  return new ProviderRpcError(RPC_CODES.internal, "the account's signer failed; see the cause", { cause: error });
}

/**
 * What a failed request to the chain becomes: the JSON-RPC error of the upstream, with its code and data; 4901 if
 * ethers noticed that the upstream moved to another chain; else 4900. It never has a cause: transports put their URL into
 * their errors, and a URL often holds the key to a service.
 */
export function upstreamError(error: unknown): ProviderRpcError {
  if (error instanceof ProviderRpcError) return error;
  const answered = findRpcError(error);
  if (answered) return answered;
  const { code, event } = properties(error);
  if (code === "NETWORK_ERROR" && event === "changed") {
    return new ProviderRpcError(RPC_CODES.chainDisconnected, "the upstream provider moved to another chain");
  }
  // An identifier such as ECONNREFUSED; other text could be anything.
  const data = typeof code === "string" && /^[A-Z][A-Z0-9_]{0,39}$/.test(code) ? { code } : undefined;
  return new ProviderRpcError(RPC_CODES.disconnected, "the upstream provider cannot be reached", { data });
}

function fromSignerError(error: SignerError): ProviderRpcError {
  const { code, message, retryable, info } = error;
  const isRefused = isSignerError(error, "BROADCAST_UNKNOWN") && error.info.refused;
  const rpcCode = isRefused ? RPC_CODES.transactionRejected : (SIGNER_CODES[code] ?? RPC_CODES.internal);
  const data = { code, retryable, ...(code === "BROADCAST_UNKNOWN" ? { transactionHash: info?.["hash"] } : {}) };
  return new ProviderRpcError(rpcCode, message, { data, cause: error });
}

/** The JSON-RPC error that ethers wrapped, or the error itself if it is one. */
function findRpcError(error: unknown): ProviderRpcError | undefined {
  const outer = properties(error);
  const info = properties(outer["info"]);
  const candidates = [error, outer["error"], info["error"], properties(info["info"])["error"], errorOfBody(info)];
  for (const candidate of candidates) {
    const { code, message, data, details } = properties(candidate);
    if (typeof code !== "number" || typeof message !== "string") continue;
    // viem's message has the URL, and its `details` the node's text.
    const text = typeof details === "string" ? details : message;
    // ethers' BrowserProvider marks these two for itself.
    return new ProviderRpcError(code, text.replace(/^ethers-(user-denied|unsupported): /, ""), { data });
  }
  return undefined;
}

/** Services return some errors with an HTTP status other than 200, and the JSON-RPC error in the body. */
function errorOfBody({ responseBody }: Readonly<Record<string, unknown>>): unknown {
  if (typeof responseBody !== "string") return undefined;
  try {
    return properties(JSON.parse(responseBody))["error"];
  } catch {
    return undefined;
  }
}

function properties(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}
