type Facts = Readonly<Record<string, unknown>>;
type Denied = { readonly rule: string | null; readonly policyId: string };
type Committed = { readonly hash: string; readonly nonce: number; readonly idempotencyKey: string | null };
type Identified = { readonly keyId: string; readonly address: string | undefined };

/** The `info` of a {@link SignerError} by its code. Backends and stores add facts of their own. */
export interface SignerErrorInfo {
  /** The backend has no such key, token or library slot. */
  KEY_NOT_FOUND: Facts | undefined;
  /** The key exists but cannot sign for Ethereum: disabled, ambiguous, another curve, another usage. */
  KEY_UNUSABLE: Facts | undefined;
  /** The backend refused the credentials, or they lack a permission. */
  ACCESS_DENIED: Facts | undefined;
  /** The backend asks for fewer requests. */
  THROTTLED: Facts | undefined;
  /** The backend did not respond within `timeout`. */
  BACKEND_TIMEOUT: Facts | undefined;
  /** The backend could not be reached, or reported an internal error. */
  BACKEND_UNAVAILABLE: Facts | undefined;
  /** The backend's response is not a signature or not a secp256k1 public key. */
  BACKEND_RESPONSE_INVALID: Facts | undefined;
  /** The signature is well-formed but not by the expected key over the expected digest. */
  SIGNATURE_MISMATCH: Facts | undefined;
  /** The identifier names another key than the pinned one. */
  KEY_CHANGED: Facts & { readonly previous: Identified; readonly current: Identified };
  /** The key's address is not the `expectedAddress`. */
  ADDRESS_MISMATCH: Facts & { readonly expected: string; readonly actual: string };
  /** The name for a new key is taken in the store. Nothing was made. */
  KEY_EXISTS: Facts | undefined;
  /** The backend understood the request and refused its content, for example a policy or a tag of a new key. */
  REQUEST_REJECTED: Facts | undefined;
  /** A package or a library that the backend needs is not installed. */
  DEPENDENCY_MISSING: Facts | undefined;
  /** The signer was closed. */
  SIGNER_CLOSED: Facts | undefined;
  /** A signed transaction is committed, and whether it will be mined is not known. */
  BROADCAST_UNKNOWN: Facts & Committed & { readonly refused: boolean };
  /** The idempotency key belongs to another transaction. Nothing was signed. */
  IDEMPOTENCY_CONFLICT: Facts & Committed;
  /** The policy denied the request. Nothing was signed. */
  POLICY_DENIED: Facts & Denied & { readonly reasons: readonly string[] };
  /** A rolling limit would be exceeded. Nothing was signed. `availableAt`: milliseconds since 1970; null if waiting does not help. */
  LIMIT_EXCEEDED: Facts & Denied & { readonly availableAt: number | null };
  /** The approval that the policy requires was refused, or did not come in time. Nothing was signed. */
  APPROVAL_DENIED: Facts & Denied;
  /** The audit could not record what is to be signed. Nothing was signed. */
  AUDIT_FAILED: Facts | undefined;
}

/** Every code that a {@link SignerError} can carry. None of them is a code of ethers. */
export type SignerErrorCode = keyof SignerErrorInfo;

const RETRYABLE: ReadonlySet<SignerErrorCode> = new Set(["THROTTLED", "BACKEND_TIMEOUT", "BACKEND_UNAVAILABLE"]);
// Shared by every copy of this module in a process.
const BRAND = Symbol.for("ethers-hsm.SignerError");

/** Where an error happened: which backend, which key, which of its operations. */
export interface SignerErrorContext {
  /** The {@link RemoteKey.backend}, for example `"pkcs11"`; undefined if a decoder was called directly. */
  readonly backend?: string | undefined;
  /** The {@link RemoteKey.id}: the vendor's printable identifier of the key. */
  readonly keyId?: string | undefined;
  /** What was being done, for example `"signDigest"` or `"C_Login"`. */
  readonly operation?: string | undefined;
}

/** What a {@link SignerError} says besides its code and message. */
export interface SignerErrorOptions extends SignerErrorContext {
  /** Whether the same call may succeed later without a change of configuration. Default: true if throttled, timed out or unavailable. */
  readonly retryable?: boolean | undefined;
  /** The vendor's identifier of the failed request, for its support and its logs. */
  readonly requestId?: string | undefined;
  /** Facts for programs, never a secret: {@link SignerErrorInfo} has those of each code. */
  readonly info?: Facts | undefined;
  /** The vendor's error, already stripped of tokens, headers and credentials. */
  readonly cause?: unknown;
}

type OptionsOf<Code extends SignerErrorCode> = undefined extends SignerErrorInfo[Code]
  ? [options?: SignerErrorOptions]
  : [options: SignerErrorOptions & { readonly info: SignerErrorInfo[Code] }];

/**
 * What every backend throws if a key cannot be reached, is refused, or returns something wrong.
 *
 * A caller's own mistake is an error of ethers instead, with ethers' codes; an aborted call rejects with its signal's `reason`.
 * Test with {@link isSignerError}, not with `instanceof`: an application may hold an ES module and a CommonJS copy.
 */
export class SignerError<Code extends SignerErrorCode = SignerErrorCode> extends Error implements SignerErrorOptions {
  readonly code: Code;
  readonly backend: string | undefined;
  readonly keyId: string | undefined;
  readonly operation: string | undefined;
  readonly retryable: boolean;
  readonly requestId: string | undefined;
  readonly info: SignerErrorInfo[Code];

  static {
    Object.defineProperty(SignerError.prototype, "name", { value: "SignerError", configurable: true, writable: true });
    Object.defineProperty(SignerError.prototype, BRAND, { value: true });
  }

  /** `message` says what happened and what to do; it must hold no secret. */
  constructor(code: Code, message: string, ...[given]: OptionsOf<Code>) {
    const options: SignerErrorOptions = given ?? {};
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.backend = options.backend;
    this.keyId = options.keyId;
    this.operation = options.operation;
    this.retryable = options.retryable ?? RETRYABLE.has(code);
    this.requestId = options.requestId;
    this.info = options.info as SignerErrorInfo[Code];
  }

  /** The same error with the parts of `context` that it did not yet have: a decoder does not know which key's bytes it reads. */
  withContext(context: SignerErrorContext): SignerError<Code> {
    const { backend = context.backend, keyId = context.keyId, operation = context.operation } = this;
    if (backend === this.backend && keyId === this.keyId && operation === this.operation) return this;
    const options = [{ ...this, backend, keyId, operation, cause: this.cause }] as unknown as OptionsOf<Code>;
    return Object.assign(new SignerError<Code>(this.code, this.message, ...options), { stack: this.stack });
  }

  /** A plain object for logs: everything but the stack and the cause. */
  toJSON(): Record<string, unknown> {
    const { name, code, message, backend, keyId, operation, retryable, requestId, info } = this;
    return { name, code, message, backend, keyId, operation, retryable, requestId, info };
  }
}

/** Whether `error` is a {@link SignerError} of any copy of this package, and, with `code`, of that code, whose `info` is typed then. */
export function isSignerError<Code extends SignerErrorCode>(error: unknown, code?: Code): error is SignerError<Code> {
  if (typeof error !== "object" || error === null || !(BRAND in error)) return false;
  return code === undefined || (error as unknown as SignerError).code === code;
}

/** A {@link SignerError} of code BACKEND_RESPONSE_INVALID: what every decoder throws. */
export function invalidResponse(message: string, options?: SignerErrorOptions): SignerError {
  return new SignerError("BACKEND_RESPONSE_INVALID", message, options);
}
