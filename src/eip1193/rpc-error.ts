/** The error codes that this provider gives out, by the document that defines them. */
export const RPC_CODES = {
  // EIP-1193, "Provider Errors".
  userRejected: 4001,
  unauthorized: 4100,
  unsupportedMethod: 4200,
  disconnected: 4900,
  chainDisconnected: 4901,
  // EIP-5792, "Error Codes".
  unsupportedCapability: 5700,
  unsupportedChain: 5710,
  duplicateId: 5720,
  unknownBundle: 5730,
  bundleTooLarge: 5740,
  atomicityUnsupported: 5760,
  // JSON-RPC 2.0, section 5.1.
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internal: -32603,
  // EIP-1474, "Error codes".
  resourceUnavailable: -32002,
  limitExceeded: -32005,
} as const;

/** What a `ProviderRpcError` has beside its code and message. */
export interface ProviderRpcErrorOptions {
  /** Facts for programs, never a secret. An upstream's error keeps the `data` that it had. */
  readonly data?: unknown;
  /** The `SignerError` behind it, or what a signer of another make threw. */
  readonly cause?: unknown;
}

/**
 * What every rejected `request` rejects with (EIP-1193, "Errors"): a numeric `code`, a message for people, and `data`.
 *
 * The message and `data` hold no PIN, token or credential, and no upstream's URL.
 */
export class ProviderRpcError extends Error {
  /** A code of EIP-1193, EIP-1474, JSON-RPC 2.0 or EIP-5792. */
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

/** A {@link ProviderRpcError} of code 4100 for an account that is none of the provider's. */
export function notOurs(address: string): ProviderRpcError {
  return new ProviderRpcError(RPC_CODES.unauthorized, `the account ${address} is not one of this provider's`);
}
