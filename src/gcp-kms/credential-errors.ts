import { type ErrorMapping, type Failure, failureError, redactText } from "../backend/failure.ts";
import { codeIn, transportMapping } from "../backend/transport.ts";
import { isSignerError, type SignerError } from "../core/errors.ts";
import type { RequestContext } from "./errors.ts";

const NO_CREDENTIALS =
  "no Google credentials found; pass auth, set GOOGLE_APPLICATION_CREDENTIALS, run gcloud auth application-default login, or run where a " +
  "service account is attached";

/** What gRPC says when the client's credentials fail. */
const PLUGIN = /^Getting metadata from plugin failed with error: /;

/** Whether the text of a client's error is of its credentials, whatever its status. */
export function isCredentialError(text: string): boolean {
  return PLUGIN.test(text) || /Could not load the default credentials|Could not refresh access token/.test(text);
}

/** Who failed, by the address of the request that failed: the host may be a private one, the path is Google's. */
const SOURCES: readonly (readonly [address: RegExp, source: string, refused: string])[] = [
  [
    /\/computeMetadata\//,
    "the metadata server",
    "attach a service account to this machine or workload, and allow it the scope cloud-platform",
  ],
  [
    /:generate(Access|Id)Token$/,
    "the IAM Credentials API (impersonation)",
    "grant the calling identity roles/iam.serviceAccountTokenCreator on the service account that it impersonates",
  ],
  [
    /\/v1\/token$/,
    "the Security Token Service (workload identity federation)",
    "check the audience of the credential configuration, the provider's attribute conditions, and that the subject token has not expired",
  ],
  [
    /\/token$/,
    "Google's token endpoint",
    "log in again (gcloud auth application-default login), or check the service account's key and this machine's clock",
  ],
];
/** A source of which no more is known. */
export const CREDENTIAL_SOURCE = "the source of Google's credentials";

/** The SignerError for what `getRequestHeaders` or a client's credentials threw: who refused, was down or is missing. */
export function credentialError(error: unknown, context: RequestContext): SignerError {
  if (isSignerError(error)) return error.withContext(context);
  const failure = readFailure(error);
  return failureError(failure, mappingOf(failure), { ...context, service: "Cloud KMS" });
}

interface CredentialFailure extends Failure {
  readonly refused: string | undefined;
}

function readFailure(error: unknown): CredentialFailure {
  const thrown = (typeof error === "object" && error !== null ? error : { message: error }) as Readonly<
    Record<string, unknown>
  >;
  const text = redactText(String(thrown["message"] ?? "").replace(PLUGIN, ""));
  const { response, config } = thrown as { response?: { status?: unknown; config?: Located }; config?: Located };
  const url = String((config ?? response?.config)?.url ?? /https?:\/\/[^\s'"]+/.exec(text)?.[0] ?? "");
  const { host, pathname } = URL.canParse(url) ? new URL(url) : { host: "", pathname: "" };
  const [, known, refused] = SOURCES.find(([address]) => address.test(pathname)) ?? [];
  const status = Number(response?.status ?? thrown["status"] ?? thrown["code"] ?? Number.NaN);
  const code =
    typeof thrown["code"] === "string" && /^E[A-Z_]+$|^ERR_|^CERT_|^UND_/.test(thrown["code"])
      ? thrown["code"]
      : codeIn(text);
  const isHttp = Number.isInteger(status) && status >= 100 && status < 600;
  const isMetadata = /Invalid response from metadata service/.test(text);
  const source = host === "" ? CREDENTIAL_SOURCE : `${host}, a source of Google's credentials,`;
  return {
    ...{ source: known ?? (isMetadata ? "the metadata server" : source), refused },
    name: isHttp ? `HTTP ${status}` : (code ?? String(thrown["name"] ?? "Error")),
    ...{ text, platformCode: code, status: isHttp ? status : undefined },
  };
}

interface Located {
  readonly url?: unknown;
}

function mappingOf(failure: CredentialFailure): ErrorMapping {
  const { source, text, status, refused, platformCode } = failure;
  if (/Could not load the default credentials|no authorization/.test(text))
    return { code: "ACCESS_DENIED", hint: NO_CREDENTIALS };
  if (/invalid header|header value|Headers\.append/i.test(text)) {
    const hint =
      "the access token has a line break or another character that no header can have; trim what was read from a file";
    return { code: "ACCESS_DENIED", hint };
  }
  if (platformCode === "ENOENT" || platformCode === "EACCES" || /does not exist, or it is not a file/.test(text)) {
    return {
      code: "ACCESS_DENIED",
      hint: "the file with the credentials, or the token that it names, cannot be read; check its path",
    };
  }
  if (status === 429) return { code: "THROTTLED", hint: `${source} asks for fewer requests; try again later` };
  if (status !== undefined && (status >= 500 || status === 408)) {
    return {
      code: "BACKEND_UNAVAILABLE",
      hint: `${source} failed: no access token was issued, and Cloud KMS was not asked. Try again`,
    };
  }
  if (status !== undefined) {
    return {
      code: "ACCESS_DENIED",
      hint: `${source} refused: ${refused ?? "check the credentials, and what the endpoint says"}`,
    };
  }
  const transport = transportMapping(failure, source);
  if (transport) return transport;
  if (
    /Invalid response from metadata service|SyntaxError|is not valid JSON|Unexpected token/.test(
      `${failure.name} ${text}`,
    )
  ) {
    const hint = `the response is not one of ${source}; check its address, and what answers in its place: a proxy, a captive portal`;
    return { code: "BACKEND_RESPONSE_INVALID", hint };
  }
  return { code: "ACCESS_DENIED", hint: "no access token could be obtained; see the cause, and check auth" };
}
