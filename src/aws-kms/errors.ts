import { type ErrorMapping, type Failure, failureError, redactText } from "../backend/failure.ts";
import { ResponseTooLargeError } from "../backend/response-body.ts";
import { codeIn, foreignMapping, proxyVariable, transportMapping } from "../backend/transport.ts";
import { isSignerError, type SignerError, type SignerErrorContext } from "../core/errors.ts";
import { type CredentialTrail, credentialFailure } from "./credential-errors.ts";

/** The `info.source` of KMS's own failures. */
export const KMS = "AWS KMS";
/** The name of the error that ends the SDK's wait for a Retry-After beyond the deadline. */
export const RETRY_TOO_LATE = "RetryAfterBeyondDeadline";

/** What is seen of a response on its way to the SDK. */
export interface ObservedResponse {
  readonly status: number;
  /** Whether it is KMS's: an error of KMS has a type. */
  readonly isService: boolean;
  readonly requestId: string | undefined;
  /** In seconds. */
  readonly retryAfter: number | undefined;
}

/** How far a request came. */
export interface Observed {
  /** Whether it left for KMS. Before that, only the credentials and the configuration can fail. */
  sent: boolean;
  response: ObservedResponse | undefined;
}

interface RequestContext extends SignerErrorContext {
  /** `Sign` or `GetPublicKey`: with `kms:` before it, the permission's name. */
  readonly request: string;
  /** The key that the request names; `*` if it names none. */
  readonly resource: string;
}

/** The SignerError for what the SDK threw: who failed, AWS's code and text, what to do. */
export function kmsError(
  error: unknown,
  context: RequestContext,
  { sent, response }: Observed,
  trail: CredentialTrail,
): SignerError {
  if (isSignerError(error)) return error;
  const read = readError(error);
  const configuration = sent ? undefined : configurationMapping(read);
  if (!sent && !configuration) {
    const { failure, mapping } = credentialFailure(error, read, trail);
    return failureError(failure, mapping, { ...context, service: KMS });
  }
  const failure = response && !response.isService ? notOfKms(read, response) : read;
  return failureError(failure, configuration ?? serviceMapping(failure, response, context), {
    ...context,
    service: KMS,
  });
}

function notOfKms(read: Failure, { status }: ObservedResponse): Failure {
  const source = "what answers in the place of AWS KMS";
  return {
    ...read,
    source,
    status,
    // Of what is not JSON the platform's error has a part.
    text: "",
    name: read.name === RETRY_TOO_LATE ? read.name : `HTTP ${status}`,
    requestId: undefined,
  };
}

// In a realm of its own (a vm context, a test runner's sandbox) the SDK does not know Node's errors, and keeps their text alone.
const WRAPPED = /^AWS SDK error wrapper for (?:(?<name>\w+): )?(?<text>.*)$/s;

/** What is known of an error of the SDK. Of AWS's message its first line alone: the next ones can repeat the request's headers. */
export function readError(error: unknown): Failure {
  const thrown = (error ?? {}) as Readonly<Record<string, unknown>>;
  const { httpStatusCode, requestId, attempts } = (thrown["$metadata"] ?? {}) as Readonly<Record<string, unknown>>;
  const { text: wrappedText, name: wrappedName } = WRAPPED.exec(String(thrown["message"]))?.groups ?? {};
  const message = wrappedText ?? thrown["message"];
  const name = wrappedName ?? thrown["name"];
  // A newline in a key's ARN must not hide what follows; AWS's own second line begins with the canonical request.
  const text = redactText(
    typeof message === "string"
      ? message.replace(/\n\s*(The Canonical String|\n|Deserialization error)[\s\S]*/, "")
      : "",
  );
  return {
    source: KMS,
    name: typeof name === "string" && name !== "" ? name : "Error",
    text,
    platformCode: typeof thrown["code"] === "string" ? thrown["code"] : codeIn(text),
    status: typeof httpStatusCode === "number" ? httpStatusCode : undefined,
    requestId: typeof requestId === "string" ? requestId : undefined,
    details: typeof attempts === "number" ? { attempts } : undefined,
  };
}

interface RawResponse {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** Reads what the SDK's error does not tell. Header names are in small letters. */
export function readResponse({ statusCode: status, headers, body }: RawResponse): ObservedResponse {
  const retryAfter = Number(headers["retry-after"] ?? Number.NaN);
  return {
    status,
    isService: isServiceResponse(status, headers, body),
    requestId: headers["x-amzn-requestid"],
    retryAfter: Number.isFinite(retryAfter) ? retryAfter : undefined,
  };
}

function isServiceResponse(status: number, headers: RawResponse["headers"], body: unknown): boolean {
  if (headers["x-amzn-errortype"] !== undefined) return true;
  // Only our own reading makes it bytes: what a caller's handler has read is taken as it comes.
  if (!(body instanceof Uint8Array)) return true;
  try {
    const parsed: unknown = JSON.parse(new TextDecoder().decode(body) || "{}");
    if (typeof parsed !== "object" || parsed === null) return false;
    const { __type: type, code = type } = parsed as Readonly<Record<string, unknown>>;
    return status < 300 || [type, code].some((each) => typeof each === "string" && each !== "");
  } catch {
    return false;
  }
}

const THROTTLED: ErrorMapping = {
  code: "THROTTLED",
  hint:
    "the account's request quota in this Region is used up, also after the SDK's retries; send fewer requests at once, set " +
    'retryMode to "adaptive", raise maxAttempts, or have the quota raised',
};
const FAILED: ErrorMapping = {
  code: "BACKEND_UNAVAILABLE",
  hint: "KMS reported an internal error, also after the SDK's retries; try again, and see AWS's health dashboard",
};
const CREDENTIALS_EXPIRED: ErrorMapping = {
  code: "ACCESS_DENIED",
  hint: "the credentials have expired; log in again, or pass a provider that renews them instead of fixed ones",
};
const CREDENTIALS_UNKNOWN: ErrorMapping = {
  code: "ACCESS_DENIED",
  hint: "AWS does not know the access key or the session token; check the credentials, and that they are of this partition",
};
const SIGNATURE_REFUSED: ErrorMapping = {
  code: "ACCESS_DENIED",
  hint: "AWS refuses the request's signature; check the secret access key, the Region, and this machine's clock",
};
const NO_CREDENTIALS: ErrorMapping = {
  code: "ACCESS_DENIED",
  hint: "the request had no credentials; pass credentials, or set up the SDK's chain (environment, profile, role)",
};
const NOT_KMS: ErrorMapping = {
  code: "BACKEND_RESPONSE_INVALID",
  hint: "the response did not come from KMS; check the endpoint, and what answers in its place: a proxy, a filter, a captive portal",
};
const ANOTHER_IMPORT = rejected("KMS does not accept the key material that was wrapped for this import; import again");

function rejected(hint: string): ErrorMapping {
  return { code: "REQUEST_REJECTED", hint };
}

function unusable(hint: string): ErrorMapping {
  return { code: "KEY_UNUSABLE", hint };
}

/**
 * AWS's exceptions. They are told apart by name: their HTTP status is nearly always 400.
 *
 * https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html#API_Sign_Errors (and of the other operations)
 * https://docs.aws.amazon.com/kms/latest/APIReference/CommonErrors.html
 */
const ERRORS: Readonly<Record<string, ErrorMapping>> = {
  NotFoundException: {
    code: "KEY_NOT_FOUND",
    hint: "there is no such key or alias in this Region and account; check keyId and region",
  },
  InvalidArnException: { code: "KEY_NOT_FOUND", hint: "keyId is not an ARN of a key or an alias; correct it" },
  DisabledException: unusable("the key is disabled; enable it (kms:EnableKey)"),
  KMSInvalidStateException: unusable(
    "the key's state forbids it; cancel its deletion (kms:CancelKeyDeletion) or import its material",
  ),
  InvalidKeyUsageException: unusable(
    "the key does not sign with ECDSA_SHA_256; create one with KeySpec ECC_SECG_P256K1 and KeyUsage SIGN_VERIFY",
  ),
  UnsupportedOperationException: unusable(
    "it is not an asymmetric key, or its key store cannot do this; use a key in AWS KMS itself",
  ),
  IncorrectKeyException: unusable("KMS says that the request was meant for another key; check keyId"),
  ValidationException: rejected(
    "KMS refuses what the request holds; check keyId and grantTokens, for a new key its options",
  ),
  InvalidGrantTokenException: {
    code: "ACCESS_DENIED",
    hint: "a grant token is not valid; remove grantTokens, or create the grant again",
  },
  DryRunOperationException: {
    code: "BACKEND_RESPONSE_INVALID",
    hint: "nothing was signed: the client's middleware turned the request into a dry run; use a client without it",
  },
  KeyUnavailableException: { ...FAILED, hint: "the key is not available for the moment; try again" },
  KMSInternalException: FAILED,
  DependencyTimeoutException: FAILED,
  InternalFailure: FAILED,
  InternalServerError: FAILED,
  InternalServiceException: FAILED,
  ServiceUnavailable: FAILED,
  ServiceUnavailableException: FAILED,
  ThrottlingException: THROTTLED,
  Throttling: THROTTLED,
  ThrottledException: THROTTLED,
  TooManyRequestsException: THROTTLED,
  RequestLimitExceeded: THROTTLED,
  [RETRY_TOO_LATE]: {
    code: "THROTTLED",
    hint: "the service asks to wait for longer than timeout allows (Retry-After); try again later, or raise timeout",
  },
  LimitExceededException: rejected(
    "a resource quota of the account is reached (keys, aliases, grants), which waiting does not help; remove some, or have it raised",
  ),
  ExpiredTokenException: CREDENTIALS_EXPIRED,
  ExpiredToken: CREDENTIALS_EXPIRED,
  RequestExpired: SIGNATURE_REFUSED,
  UnrecognizedClientException: CREDENTIALS_UNKNOWN,
  InvalidClientTokenId: CREDENTIALS_UNKNOWN,
  MissingAuthenticationTokenException: NO_CREDENTIALS,
  MissingAuthenticationToken: NO_CREDENTIALS,
  InvalidSignatureException: SIGNATURE_REFUSED,
  SignatureDoesNotMatch: SIGNATURE_REFUSED,
  IncompleteSignatureException: SIGNATURE_REFUSED,
  IncompleteSignature: SIGNATURE_REFUSED,
  OptInRequired: {
    code: "ACCESS_DENIED",
    hint: "the account is not signed up for KMS in this Region; enable the Region",
  },
  AlreadyExistsException: {
    code: "KEY_EXISTS",
    hint: "the alias exists already; choose another, or have it pointed at this key",
  },
  InvalidAliasNameException: rejected("KMS does not allow this alias; choose another"),
  MalformedPolicyDocumentException: rejected("the key policy is not valid; correct policy"),
  TagException: rejected("KMS does not allow these tags; correct tags"),
  InvalidMarkerException: {
    code: "BACKEND_UNAVAILABLE",
    hint: "KMS no longer knows the page of its own listing; list again",
  },
  IncorrectKeyMaterialException: rejected("the key once held other material, and accepts no other; use a new key"),
  InvalidCiphertextException: ANOTHER_IMPORT,
  InvalidImportTokenException: ANOTHER_IMPORT,
  ExpiredImportTokenException: ANOTHER_IMPORT,
  [ResponseTooLargeError.NAME]: NOT_KMS,
};

function serviceMapping(
  failure: Failure,
  response: ObservedResponse | undefined,
  context: RequestContext,
): ErrorMapping {
  const { name, text, status = 0 } = failure;
  const isService = response?.isService !== false;
  if (isService && /^AccessDenied(Exception)?$/.test(name)) {
    return { code: "ACCESS_DENIED", hint: accessDeniedHint(text, context) };
  }
  const known = Object.hasOwn(ERRORS, name) ? ERRORS[name] : undefined;
  if (known) return known;
  const foreign = isService ? undefined : foreignMapping(status, "KMS");
  if (foreign) return foreign;
  if (status >= 500) return FAILED;
  if (status === 429) return THROTTLED;
  // The SDK could not read it, or something is missing in a success.
  if (!isService || name === "SyntaxError" || (status >= 200 && status < 300)) return NOT_KMS;
  if (status > 0) return { ...rejected("KMS refused the request"), code: "REQUEST_REJECTED" };
  return mappingWithoutResponse(failure);
}

function mappingWithoutResponse(failure: Failure): ErrorMapping {
  const { name, text } = failure;
  if (failure.platformCode === "ERR_INVALID_CHAR") {
    return {
      code: "ACCESS_DENIED",
      hint: "the credentials have a line break or another character that no header can have; trim what was read from a file",
    };
  }
  const transport = transportMapping(failure, "KMS");
  if (transport) return { ...transport, hint: `${transport.hint}; check region and endpoint${proxyNote(transport)}` };
  if (name === "AbortError") {
    return { code: "BACKEND_UNAVAILABLE", hint: "the client ended the request before KMS responded; try again" };
  }
  return {
    code: "BACKEND_UNAVAILABLE",
    hint: "the SDK failed before it had a response; see the cause",
    retryable: false,
    ...(/credential/i.test(text) ? { code: "ACCESS_DENIED" as const } : {}),
  };
}

function proxyNote({ retryable }: ErrorMapping): string {
  const variable = retryable === false ? undefined : proxyVariable();
  return variable === undefined
    ? ""
    : `. ${variable} is set, which AWS's SDK ignores unless a requestHandler with a proxy agent is passed`;
}

/** What fails before any request besides the credentials. */
function configurationMapping({ text }: Failure): ErrorMapping | undefined {
  if (/^Region (is missing|not accepted)/.test(text)) {
    const hint = "no usable Region is configured; pass region, name the key by its ARN, or set AWS_REGION";
    return { code: "BACKEND_UNAVAILABLE", hint, retryable: false };
  }
  if (/\w+Middleware is not found/.test(text)) {
    const hint =
      "client is of another copy of the AWS SDK than the one that this package loads; install one version of @aws-sdk/client-kms " +
      "for both (npm ls @aws-sdk/client-kms)";
    return { code: "DEPENDENCY_MISSING", hint };
  }
  return undefined;
}

// "User: <ARN> is not authorized to perform: kms:Sign on resource: <ARN> because <reason>"; on "this resource" if KMS does
// not say whether there is one. https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
const IDENTITY = /^User: (?<identity>\S+) is not authorized/;
const RESOURCE = /on resource: (?<resource>\S+)/;
const EXPLICIT_DENY = /with an explicit deny in (?<policy>[^.]+)/;
const NO_ALLOW =
  /because no (?<policy>VPC endpoint|permissions boundary|session|service control|resource control|identity-based|resource-based)(?: policy| policies)? (?:allows|allow)/i;

const POLICIES: Readonly<Record<string, string>> = {
  "vpc endpoint": "in the policy of the VPC endpoint that the request goes through",
  "permissions boundary": "in the permissions boundary of the identity",
  session: "in the session policy with which the role was assumed",
  "service control": "in the organization's service control policies",
  "resource control": "in the organization's resource control policies",
  "identity-based": "in an IAM policy of the identity, which the key policy must allow to decide, or in the key policy",
  "resource-based": "in the key policy: a key of another account needs it there as well as in an IAM policy",
};

/** Which permission is missing, on which key, for whom if AWS says it, and in which policy. */
function accessDeniedHint(text: string, { request, resource: requested }: RequestContext): string {
  const identity = IDENTITY.exec(text)?.groups?.["identity"] ?? "the caller";
  const resource = RESOURCE.exec(text)?.groups?.["resource"] ?? requested;
  const permission = `kms:${request} on ${resource}`;
  const denying = EXPLICIT_DENY.exec(text)?.groups?.["policy"];
  if (denying) return `${denying} denies ${identity} ${permission}; have that statement changed`;
  const missing = NO_ALLOW.exec(text)?.groups?.["policy"]?.toLowerCase();
  const where = (missing && POLICIES[missing]) ?? "in the key policy or in an IAM policy that the key policy allows";
  // KMS answers alike for a key that does not exist and for one of another account.
  const orMissing = text.includes("does not exist in this Region")
    ? ", once keyId and region are known to be right"
    : "";
  return `grant ${identity} ${permission}, ${where}${orMissing}`;
}
