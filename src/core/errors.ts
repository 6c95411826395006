/** Every code that a {@link SignerError} can carry. None of them is a code of ethers. */
export type SignerErrorCode =
  /** The backend knows no such key, token or library slot. */
  | "KEY_NOT_FOUND"
  /** The key exists but cannot sign for Ethereum: disabled, ambiguous, another curve, another usage. */
  | "KEY_UNUSABLE"
  /** The backend refused the credentials, or they lack a permission. */
  | "ACCESS_DENIED"
  /** The backend asks for fewer requests. */
  | "THROTTLED"
  /** The backend did not answer within `timeout`. */
  | "BACKEND_TIMEOUT"
  /** The backend could not be reached, or failed by itself. */
  | "BACKEND_UNAVAILABLE"
  /** The backend answered something that is no signature or no secp256k1 public key. */
  | "BACKEND_RESPONSE_INVALID"
  /** The signature is well-formed but not by the expected key over the expected digest. */
  | "SIGNATURE_MISMATCH"
  /** The key behind the identifier is no longer the one that was pinned; `info` names both. */
  | "KEY_CHANGED"
  /** The key's address is not the `expectedAddress`; `info` names both. */
  | "ADDRESS_MISMATCH"
  /** The name for a new key is taken in the store. Nothing was made. */
  | "KEY_EXISTS"
  /** A package or a library that the backend needs is not installed. */
  | "DEPENDENCY_MISSING"
  /** The signer was closed. */
  | "SIGNER_CLOSED";

const RETRYABLE: ReadonlySet<SignerErrorCode> = new Set(["THROTTLED", "BACKEND_TIMEOUT", "BACKEND_UNAVAILABLE"]);

// Shared by every copy of this module in a process: the ESM and the CommonJS build are different classes.
const BRAND = Symbol.for("ethers-hsm.SignerError");

/** Where an error happened: which backend, which key, which of its operations. */
export interface SignerErrorContext {
  /** The {@link RemoteKey.backend}, for example `"pkcs11"`. */
  readonly backend?: string | undefined;
  /** The {@link RemoteKey.id}: the vendor's printable identifier of the key. */
  readonly keyId?: string | undefined;
  /** What was being done, for example `"signDigest"` or `"C_Login"`. */
  readonly operation?: string | undefined;
}

export interface SignerErrorOptions extends SignerErrorContext {
  /** Whether the same call may succeed later. Default: by the code (throttled, timed out, unavailable). */
  readonly retryable?: boolean | undefined;
  /** The vendor's identifier of the failed request, for its support and its logs. */
  readonly requestId?: string | undefined;
  /** Facts for programs, never a secret: for example the expected and the actual address. */
  readonly info?: Readonly<Record<string, unknown>> | undefined;
  /** The vendor's error, already stripped of tokens, headers and credentials. */
  readonly cause?: unknown;
}

/**
 * What every backend throws when a key cannot be reached, is refused, or answers something wrong.
 *
 * A caller's own mistake (a bad argument, an unsupported operation) is an error of ethers instead, with ethers' codes. An
 * aborted call rejects with its signal's `reason`.
 *
 * Tell it apart with {@link isSignerError}, not with `instanceof`: an application may hold an ESM and a CommonJS copy.
 */
export class SignerError extends Error {
  /** What kind of failure it is. */
  readonly code: SignerErrorCode;
  /** The backend that was asked, for example `"pkcs11"`; undefined where a decoder was called by itself. */
  readonly backend: string | undefined;
  /** The vendor's printable identifier of the key. */
  readonly keyId: string | undefined;
  /** What was being done, for example `"signDigest"` or `"C_Login"`. */
  readonly operation: string | undefined;
  /** Whether the same call may succeed later without a change of configuration. */
  readonly retryable: boolean;
  /** The vendor's identifier of the request, which its own log has too. */
  readonly requestId: string | undefined;
  /** Facts for programs, for example the expected and the actual address; never a secret. */
  readonly info: Readonly<Record<string, unknown>> | undefined;

  static {
    Object.defineProperty(SignerError.prototype, "name", { value: "SignerError", configurable: true, writable: true });
    Object.defineProperty(SignerError.prototype, BRAND, { value: true });
  }

  /** `message` says what happened and what to do; it must hold no secret. */
  constructor(code: SignerErrorCode, message: string, options: SignerErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.backend = options.backend;
    this.keyId = options.keyId;
    this.operation = options.operation;
    this.retryable = options.retryable ?? RETRYABLE.has(code);
    this.requestId = options.requestId;
    this.info = options.info;
  }

  /** The same error with the parts of `context` that it did not yet have: a decoder does not know whose bytes it reads. */
  withContext(context: SignerErrorContext): SignerError {
    const missing = (["backend", "keyId", "operation"] as const).filter((name) => this[name] === undefined);
    if (missing.every((name) => context[name] === undefined)) return this;
    const error = new SignerError(this.code, this.message, {
      backend: this.backend ?? context.backend,
      keyId: this.keyId ?? context.keyId,
      operation: this.operation ?? context.operation,
      retryable: this.retryable,
      requestId: this.requestId,
      info: this.info,
      cause: this.cause,
    });
    if (this.stack !== undefined) error.stack = this.stack;
    return error;
  }

  /** A plain object for logs: everything but the stack and the cause. */
  toJSON(): Record<string, unknown> {
    const { name, code, message, backend, keyId, operation, retryable, requestId, info } = this;
    return { name, code, message, backend, keyId, operation, retryable, requestId, info };
  }
}

/**
 * Whether `error` is a {@link SignerError} of any copy of this package, and, with `code`, of that code.
 *
 * @example
 * if (isSignerError(error) && error.retryable) await retryLater();
 */
export function isSignerError(error: unknown, code?: SignerErrorCode): error is SignerError {
  if (typeof error !== "object" || error === null) return false;
  try {
    const { [BRAND]: branded, code: own } = error as { [BRAND]?: unknown; code?: unknown };
    return branded === true && typeof own === "string" && (code === undefined || own === code);
  } catch {
    // A proxy, or a getter that throws: not one of ours, and nobody's concern here.
    return false;
  }
}

/** A {@link SignerError} of code BACKEND_RESPONSE_INVALID: what every decoder throws. */
export function invalidResponse(message: string, options?: SignerErrorOptions): SignerError {
  return new SignerError("BACKEND_RESPONSE_INVALID", message, options);
}
