import { isSignerError, type SignerError, type SignerErrorCode } from "../core/errors.ts";
import { ProviderRpcError, RPC_CODES } from "./rpc-error.ts";

type Properties = Readonly<Record<string, unknown>>;

/** A code that is absent here is an internal error: nothing that the caller or its account could change. */
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
};

const ETHERS_CODES: Readonly<Record<string, number>> = {
  INVALID_ARGUMENT: RPC_CODES.invalidParams,
  MISSING_ARGUMENT: RPC_CODES.invalidParams,
  NUMERIC_FAULT: RPC_CODES.invalidParams,
  UNCONFIGURED_NAME: RPC_CODES.invalidParams,
  UNSUPPORTED_OPERATION: RPC_CODES.unsupportedMethod,
  NOT_IMPLEMENTED: RPC_CODES.unsupportedMethod,
  ACTION_REJECTED: RPC_CODES.userRejected,
  NETWORK_ERROR: RPC_CODES.disconnected,
  SERVER_ERROR: RPC_CODES.disconnected,
  TIMEOUT: RPC_CODES.disconnected,
};

/** What a failed signer gave: -32603, with the error itself as the cause, where it is none that is known. */
export function signerFailure(error: unknown): ProviderRpcError {
  const known = knownFailure(error);
  return (
    known ?? new ProviderRpcError(RPC_CODES.internal, "the account's signer failed; see the cause", { cause: error })
  );
}

/**
 * What a failed request to the chain gave: the JSON-RPC error that the upstream answered, with its code and data; 4900
 * where it answered none. The latter has no cause, since transports put their URL into their errors, and a URL often holds
 * the key to a service.
 */
export function upstreamFailure(error: unknown): ProviderRpcError {
  return knownFailure(error) ?? disconnected(error);
}

function disconnected(error: unknown): ProviderRpcError {
  const { code } = properties(error);
  const data = typeof code === "string" ? { code } : undefined;
  return new ProviderRpcError(RPC_CODES.disconnected, "the upstream provider cannot be reached", { data });
}

function knownFailure(error: unknown): ProviderRpcError | undefined {
  if (error instanceof ProviderRpcError) return error;
  if (isSignerError(error)) return fromSignerError(error);
  const answered = rpcErrorIn(error);
  if (answered) return answered;
  const { code, shortMessage, event } = properties(error);
  if (typeof code !== "string" || typeof shortMessage !== "string") return undefined;
  if (code === "NETWORK_ERROR" && event === "changed") {
    return new ProviderRpcError(RPC_CODES.chainDisconnected, "the upstream provider moved to another chain");
  }
  const meaning = ETHERS_CODES[code];
  if (meaning === undefined) return undefined;
  if (meaning === RPC_CODES.disconnected) return disconnected(error);
  // The long message quotes the arguments.
  return new ProviderRpcError(meaning, shortMessage);
}

function fromSignerError(error: SignerError): ProviderRpcError {
  const { code, message, retryable } = error;
  const data = { code, retryable };
  return new ProviderRpcError(SIGNER_CODES[code] ?? RPC_CODES.internal, message, { data, cause: error });
}

/** The JSON-RPC error inside what ethers wraps around it, or the error itself where it is one. */
function rpcErrorIn(error: unknown): ProviderRpcError | undefined {
  const outer = properties(error);
  const info = properties(outer["info"]);
  const candidates = [error, outer["error"], info["error"], properties(info["info"])["error"], errorOfBody(info)];
  for (const candidate of candidates) {
    const { code, message, data } = properties(candidate);
    if (typeof code !== "number" || typeof message !== "string") continue;
    // ethers' BrowserProvider marks these two for itself.
    return new ProviderRpcError(code, message.replace(/^ethers-(user-denied|unsupported): /, ""), { data });
  }
  return undefined;
}

/** Services answer some errors with an HTTP status other than 200, and the JSON-RPC error in the body. */
function errorOfBody({ responseBody }: Properties): unknown {
  if (typeof responseBody !== "string") return undefined;
  try {
    return properties(JSON.parse(responseBody))["error"];
  } catch {
    return undefined;
  }
}

function properties(value: unknown): Properties {
  return typeof value === "object" && value !== null ? (value as Properties) : {};
}
