import { type ErrorMapping, type Failure, failureError, redactText } from "../backend/failure.ts";
import { ResponseTooLargeError } from "../backend/response-body.ts";
import { foreignMapping, proxyVariable, transportMapping } from "../backend/transport.ts";
import type { SignerError, SignerErrorContext } from "../core/errors.ts";
import type { Message } from "./response.ts";

/** The `info.source` of Cloud KMS's own failures. */
export const CLOUD_KMS = "Cloud KMS";
const NOT_CLOUD_KMS = "what answers in the place of Cloud KMS";

export interface RequestContext extends SignerErrorContext {
  /** The operation, for example `asymmetricSign`. */
  readonly request: string;
  /** The full name of what it is about. */
  readonly resource: string;
}

/** A failure in the service's own words. */
export interface StatusFailure extends Failure {
  /** google.rpc.ErrorInfo. */
  readonly reason?: string | undefined;
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
}

/** Whether it is not Cloud KMS that failed, but the source of the credentials. */
export function isCredentialSource({ info }: SignerError): boolean {
  const source = info?.["source"];
  return source !== undefined && source !== CLOUD_KMS && source !== NOT_CLOUD_KMS;
}

const FAILED: ErrorMapping = {
  code: "BACKEND_UNAVAILABLE",
  hint: "Cloud KMS reported an internal error or an outage, also after retries; try again, and see status.cloud.google.com",
};
const NOT_CLOUD_KMS_ITSELF: ErrorMapping = {
  code: "BACKEND_RESPONSE_INVALID",
  hint: "the response did not come from Cloud KMS; check the endpoint, and proxies on the way there",
};
const NOT_ACCEPTED: ErrorMapping = {
  code: "ACCESS_DENIED",
  hint: "Google does not accept the access token; log in again, and check this machine's clock and that the credentials are for this cloud",
};
const THROTTLED: ErrorMapping = {
  code: "THROTTLED",
  hint: "a request quota of the project that calls or of the project with the key is used up, also after retries; send fewer requests at once, or have the quota raised",
};

// https://cloud.google.com/apis/design/errors, https://grpc.io/docs/guides/status-codes/
const ERRORS: Readonly<Record<string, ErrorMapping>> = {
  INVALID_ARGUMENT: {
    code: "REQUEST_REJECTED",
    hint: "Cloud KMS refuses the request's content; check names and options",
  },
  OUT_OF_RANGE: { code: "REQUEST_REJECTED", hint: "Cloud KMS refuses the request's content; check names and options" },
  NOT_FOUND: {
    code: "KEY_NOT_FOUND",
    hint: "there is no such key ring, key or version; check project, location, key ring, key and version",
  },
  FAILED_PRECONDITION: {
    code: "KEY_UNUSABLE",
    hint: "the key version is not ENABLED, or not for signing; enable or restore it, or name another version",
  },
  ALREADY_EXISTS: {
    code: "KEY_EXISTS",
    hint: "the name is taken, also by a key that was deleted; nothing was made. Choose another name",
  },
  UNAUTHENTICATED: NOT_ACCEPTED,
  RESOURCE_EXHAUSTED: THROTTLED,
  UNIMPLEMENTED: { code: "REQUEST_REJECTED", hint: "the endpoint does not know this operation; check endpoint" },
  DEADLINE_EXCEEDED: { code: "BACKEND_TIMEOUT", hint: "Cloud KMS did not finish in time; try again, or raise timeout" },
  ABORTED: FAILED,
  CANCELLED: FAILED,
  DATA_LOSS: FAILED,
  INTERNAL: FAILED,
  UNAVAILABLE: FAILED,
  UNKNOWN: FAILED,
};

// https://github.com/googleapis/googleapis/blob/master/google/api/error_reason.proto
const REASONS: Readonly<Record<string, string>> = {
  SERVICE_DISABLED:
    "the Cloud KMS API is not enabled in the project that pays for the call: gcloud services enable cloudkms.googleapis.com",
  BILLING_DISABLED: "the project that pays for the call has no billing account; link one",
  CONSUMER_INVALID: "the project that pays for the call (quota project) does not exist; correct it in the credentials",
  CONSUMER_SUSPENDED: "the project that pays for the call is suspended; see its page in the console",
  USER_PROJECT_DENIED:
    "the caller may not use the quota project of its credentials: grant serviceusage.services.use on it, or name another",
  SECURITY_POLICY_VIOLATED: "VPC Service Controls forbid it: call from inside the perimeter, or add an ingress rule",
  ACCESS_TOKEN_SCOPE_INSUFFICIENT:
    "the access token lacks the scope https://www.googleapis.com/auth/cloudkms; a machine's scopes are set at its creation",
  ORG_RESTRICTION_VIOLATION: "the organization's restrictions forbid requests to this project from here",
  LOCATION_POLICY_VIOLATED: "the organization's policy forbids this location",
  LOCATION_ORG_POLICY_VIOLATED: "the organization's policy forbids this location",
  ACCOUNT_STATE_INVALID: "the account of the credentials is disabled or deleted",
};

/** Of each request, the permission that it needs. https://cloud.google.com/kms/docs/reference/permissions-and-roles */
const PERMISSIONS: Readonly<Record<string, string>> = {
  getPublicKey: "cloudkms.cryptoKeyVersions.viewPublicKey",
  asymmetricSign: "cloudkms.cryptoKeyVersions.useToSign",
  getCryptoKeyVersion: "cloudkms.cryptoKeyVersions.get",
  listKeyRings: "cloudkms.keyRings.list",
  listCryptoKeys: "cloudkms.cryptoKeys.list",
  listCryptoKeyVersions: "cloudkms.cryptoKeyVersions.list",
  createCryptoKey: "cloudkms.cryptoKeys.create",
  createImportJob: "cloudkms.importJobs.create",
  getImportJob: "cloudkms.importJobs.get",
  importCryptoKeyVersion: "cloudkms.importJobs.useToImport and cloudkms.cryptoKeyVersions.create",
};

/** What came over REST in place of a result. `message` is its body, if that is a JSON object. */
interface RestResponse {
  readonly status: number;
  readonly message: Message | undefined;
  readonly retryAfter: string | null;
}

/** The SignerError of a response that is not a result. */
export function responseError({ status, message, retryAfter }: RestResponse, context: RequestContext): SignerError {
  const { error } = (message ?? {}) as { readonly error?: Message };
  const { status: name, message: words, details } = typeof error === "object" && error !== null ? error : {};
  if (typeof name === "string" && status >= 400) {
    const info = Array.isArray(details)
      ? details.find((each: Message | null) => typeof each?.["reason"] === "string")
      : undefined;
    const seconds = Number(retryAfter ?? Number.NaN);
    return statusError(
      {
        ...{
          source: CLOUD_KMS,
          name: redactText(name),
          text: redactText(words),
          status,
          reason: info?.reason,
          metadata: info?.metadata,
        },
        details: { reason: info?.reason, retryAfter: Number.isFinite(seconds) && seconds >= 0 ? seconds : undefined },
      },
      context,
    );
  }
  const failure = { source: NOT_CLOUD_KMS, name: `HTTP ${status}`, text: "", status };
  return failureError(failure, foreignMapping(status, CLOUD_KMS) ?? NOT_CLOUD_KMS_ITSELF, {
    ...context,
    service: CLOUD_KMS,
  });
}

/** The SignerError of a failure in the service's own words. */
export function statusError(failure: StatusFailure, context: RequestContext): SignerError {
  return failureError(failure, statusMapping(failure, context), { ...context, service: CLOUD_KMS });
}

function statusMapping(failure: StatusFailure, context: RequestContext): ErrorMapping {
  const { name, reason, status = 0 } = failure;
  if (name === "PERMISSION_DENIED") return { code: "ACCESS_DENIED", hint: deniedHint(failure, context) };
  if (name === "RESOURCE_EXHAUSTED" && reason === "RESOURCE_QUOTA_EXCEEDED") {
    return { code: "REQUEST_REJECTED", hint: "a quota on resources is used up: waiting does not help. Have it raised" };
  }
  const known = Object.hasOwn(ERRORS, name) ? ERRORS[name] : undefined;
  if (known) return known;
  return status >= 500 ? FAILED : { code: "REQUEST_REJECTED", hint: "Cloud KMS refused the request" };
}

/** What is missing. A permission is named only if a permission is what is missing. */
function deniedHint({ text, reason, metadata }: StatusFailure, { request, resource }: RequestContext): string {
  const other = reason === undefined ? undefined : Object.hasOwn(REASONS, reason) ? REASONS[reason] : undefined;
  if (other) return other;
  if (reason !== undefined && reason !== "IAM_PERMISSION_DENIED")
    return `Google's reason is ${redactText(reason)}; see its text`;
  const named = metadata?.["permission"] ?? /Permission '([\w.]+)'/.exec(text)?.[1];
  const permission = typeof named === "string" ? redactText(named) : PERMISSIONS[request];
  if (permission === undefined) return "the caller lacks a permission; see Google's text";
  const role = /viewPublicKey|useToSign/.test(permission) ? " (role roles/cloudkms.signerVerifier)" : "";
  // A grant lies on a key, not on a version.
  const where = resource.split("/cryptoKeyVersions/")[0];
  const orMissing = /may not exist/.test(text)
    ? ", once the name is known to be right: Google answers alike for what does not exist"
    : "";
  return `grant the caller ${permission} on ${where}${role}${orMissing}`;
}

/** The SignerError of a request without a response. */
export function transportError(error: unknown, endpoint: string, context: RequestContext): SignerError {
  const { name = "Error", message, cause } = (error ?? {}) as Partial<Error>;
  const inner = (cause ?? error) as {
    readonly code?: unknown;
    readonly message?: unknown;
    readonly errors?: readonly { code?: unknown }[];
  };
  const code = inner.code ?? inner.errors?.[0]?.code;
  const words = cause === undefined ? message : `${message}: ${String(inner.message ?? "")}`;
  const failure = {
    ...{ source: CLOUD_KMS, name: typeof code === "string" ? code : name, text: redactText(words) },
    platformCode: typeof code === "string" ? code : undefined,
  };
  if (name === ResponseTooLargeError.NAME) {
    return failureError({ ...failure, source: NOT_CLOUD_KMS }, NOT_CLOUD_KMS_ITSELF, {
      ...context,
      service: CLOUD_KMS,
    });
  }
  // A browser's fetch, and Node's for what is not HTTP, tell that it failed and no more.
  const mapping =
    transportMapping(failure, endpoint) ?? transportMapping({ ...failure, name: "TypeError", text: "fetch" }, endpoint);
  const { hint, ...rest } = mapping ?? FAILED;
  const proxy = rest.retryable === false ? undefined : proxyVariable();
  const note =
    proxy === undefined
      ? ""
      : `. ${proxy} is set, which Node's fetch ignores unless a fetch with a proxy agent is passed`;
  return failureError(failure, { ...rest, hint: `${hint}${note}` }, { ...context, service: CLOUD_KMS });
}
