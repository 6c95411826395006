import { SignerError, type SignerErrorCode, type SignerErrorContext } from "../core/errors.ts";

/** One row of a backend's error table: what a vendor's code means, and what to do about it. */
export interface ErrorMapping {
  readonly code: SignerErrorCode;
  /** What is wrong, and what to do. */
  readonly hint: string;
  /** Default: by the code. */
  readonly retryable?: boolean | undefined;
}

/** What is known of a failed request: facts without secrets. */
export interface Failure {
  /** Who failed: the service, the source of its credentials, or what answers in the service's place. */
  readonly source: string;
  /** The vendor's code; else the name of the SDK's or the platform's error. */
  readonly name: string;
  /** The vendor's own words, redacted. */
  readonly text: string;
  /** Node's code of a failed connection, for example ECONNREFUSED. */
  readonly platformCode?: string | undefined;
  /** The HTTP status, if there was a response. */
  readonly status?: number | undefined;
  /** The vendor's identifier of the request, for its support and its logs. */
  readonly requestId?: string | undefined;
  /** Further facts for programs. */
  readonly details?: Readonly<Record<string, unknown>> | undefined;
}

/**
 * The SignerError of a failed request. `info` has `source`, the vendor's `errorCode` and `errorText`, and the HTTP `statusCode`: a log
 * of the error's JSON shows all that the vendor said.
 *
 * @param service the backend's own name. A failure of another source names that source in the message.
 * @param request what was requested, in the vendor's words, for example `"GetPublicKey"`.
 */
export function failureError(
  failure: Failure,
  { code, hint, retryable }: ErrorMapping,
  { service, request, ...context }: SignerErrorContext & { readonly service: string; readonly request: string },
): SignerError {
  const { source, name, text, status: statusCode, requestId, details } = failure;
  const where = source === service ? "failed" : `failed at ${source}`;
  const quoted = text === "" ? "" : ` (${text})`;
  return new SignerError(code, `${request} ${where} with ${name}: ${hint}${quoted}`, {
    ...context,
    retryable,
    requestId,
    info: { source, errorCode: name, errorText: text, statusCode, ...details },
    cause: redactedCause(failure),
  });
}

/** An Error with what is in the failure alone: an SDK's own holds the response, and through it the request with its credentials. */
export function redactedCause({ name, text, platformCode, status, requestId }: Failure): Error {
  const cause = new Error(text);
  Object.defineProperty(cause, "name", { value: name, configurable: true, writable: true });
  return Object.assign(cause, { code: platformCode, statusCode: status, requestId });
}

const MAX_TEXT = 500;

// 32 bytes in base64, base64url, hex or decimal digits, such as a private key that a service repeats. A header with credentials, to the end of its line; a
// JSON Web Token; what follows the scheme Bearer (RFC 6750, section 2.1); a secret in a URL's query or a form.
const SECRETS: readonly (readonly [pattern: RegExp, replacement: string])[] = [
  [/(?<![\w-])[\w-]{43}=?(?![\w-])/g, "[REDACTED]"],
  [/(?<![\w+/])[\w+/]{43}=(?![\w+/=])/g, "[REDACTED]"],
  [/(?<!\d)\d{70,78}(?!\d)/g, "[REDACTED]"],
  [/(?<![\da-z])(?:0x)?[\da-f]{64}(?![\da-z])/gi, "[REDACTED]"],
  [/\b(authorization|x-amz-security-token)\s*[=:].*$/gim, "$1 [REDACTED]"],
  [/\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*/g, "[REDACTED]"],
  // Google's opaque tokens.
  [/\b(ya29\.|1\/\/)[\w-]{16,}/g, "[REDACTED]"],
  [/\bBearer [\w~+/.-]{20,}=*/g, "[REDACTED]"],
  [
    /\b(client_secret|client_assertion|assertion|access_token|refresh_token|WebIdentityToken|SecretAccessKey|SessionToken)("?\s*[=:]\s*"?)[^\s"&,]+/gi,
    "$1$2[REDACTED]",
  ],
  [/(\/\/)[^\s/@:]+:[^\s/@]+@/g, "$1[REDACTED]@"],
];

// Control and format characters, line breaks included: a message is one line.
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu;

/** A vendor's text as one printable line of at most 500 characters, without what looks like a credential. */
export function redactText(text: unknown): string {
  if (typeof text !== "string") return "";
  const redacted = SECRETS.reduce(
    (all, [pattern, replacement]) => all.replace(pattern, replacement),
    text.slice(0, 10_000),
  );
  return redacted.replace(UNPRINTABLE, " ").trim().slice(0, MAX_TEXT);
}
