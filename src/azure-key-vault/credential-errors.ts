import { type ErrorMapping, type Failure, failureError, redactText } from "../backend/failure.ts";
import { codeIn, transportMapping } from "../backend/transport.ts";
import { isSignerError, type SignerError, type SignerErrorContext } from "../core/errors.ts";

export const ENTRA_ID = "Microsoft Entra ID";
const MANAGED_IDENTITY = "the managed identity endpoint";
const CREDENTIAL = "the credential";

// The classes of @azure/identity, by name: a copy of it need not be ours.
const NAMES: ReadonlySet<unknown> = new Set([
  "CredentialUnavailableError",
  "AuthenticationError",
  "AuthenticationRequiredError",
  "AggregateAuthenticationError",
]);

/** Whether the error is one that a credential of @azure/identity throws. */
export function isCredentialError(error: unknown): boolean {
  return typeof error === "object" && error !== null && NAMES.has((error as { name?: unknown }).name);
}

/**
 * The SignerError for what a credential threw. The vault was not asked, so no permission of its helps.
 *
 * @param source whose the credential is, unless its error says more.
 */
export function credentialError(error: unknown, context: SignerErrorContext = {}, source = CREDENTIAL): SignerError {
  if (isSignerError(error)) return error.withContext(context);
  const failure = readFailure(decisive(error), source);
  return failureError(failure, mappingOf(failure), {
    operation: "getToken",
    ...context,
    service: CREDENTIAL,
    request: "getToken",
  });
}

/** Of a chain's errors the first that is not of a source that is not set up here; else the chain's own. */
function decisive(error: unknown): unknown {
  const { name, errors } = (error ?? {}) as { name?: unknown; errors?: unknown };
  if (name !== "AggregateAuthenticationError" || !Array.isArray(errors)) return error;
  return errors.find((each) => !isNotSetUp(each)) ?? error;
}

function isNotSetUp(error: unknown): boolean {
  const { name, message } = (error ?? {}) as { name?: unknown; message?: unknown };
  return name === "CredentialUnavailableError" && !SPECIFIC.some(([pattern]) => pattern.test(String(message)));
}

function readFailure(error: unknown, fallback: string): Failure {
  const { name, message, code, statusCode, errorResponse } = (error ?? {}) as Readonly<Record<string, unknown>>;
  const all = String(message ?? "");
  const text = redactText(firstSentence(all));
  const { correlationId } = (errorResponse ?? {}) as { correlationId?: unknown };
  const [, inText] = /Correlation ID:\s*([\da-f-]{36})/i.exec(all) ?? [];
  const entraCode = /AADSTS\d+/.exec(all)?.[0];
  const platformCode = typeof code === "string" && /^E[A-Z_]+$/.test(code) ? code : codeIn(all);
  return {
    source: sourceOf(all, entraCode) ?? fallback,
    name: entraCode ?? (typeof name === "string" ? name : "Error"),
    text,
    platformCode,
    status: typeof statusCode === "number" ? statusCode : statusIn(all),
    requestId: typeof correlationId === "string" ? correlationId : inText,
    details: { error: typeof name === "string" ? name : "Error" },
  };
}

/** Entra's message without its trace, and what MSAL puts before it. */
function firstSentence(text: string): string {
  const [, entra] = /(AADSTS\d+:.*?)(?:\s*Trace ID:|[\r\n]|$)/s.exec(text) ?? [];
  return entra ?? text;
}

function statusIn(text: string): number | undefined {
  const [, status] = /(?:status code:?|statusCode:?|HTTP status|http status code:?)\s*"?(\d{3})\b/i.exec(text) ?? [];
  return status === undefined ? undefined : Number(status);
}

function sourceOf(text: string, entraCode: string | undefined): string | undefined {
  if (entraCode !== undefined) return ENTRA_ID;
  if (/Managed ?Identity|\bIMDS\b|\bMSI\b|169\.254\.169\.254/i.test(text)) return MANAGED_IDENTITY;
  if (
    /login\.(microsoftonline|chinacloudapi)|ClientSecretCredential|endpoints_resolution|authority|openid|WorkloadIdentity|ClientAssertion/i.test(
      text,
    )
  ) {
    return ENTRA_ID;
  }
  if (/Azure ?CLI|az login/i.test(text)) return "the Azure CLI";
  return undefined;
}

function denied(hint: string): ErrorMapping {
  return { code: "ACCESS_DENIED", hint };
}

const UNAVAILABLE: ErrorMapping = {
  code: "BACKEND_UNAVAILABLE",
  hint: "it reported an internal error, or cannot be reached; try again, and check the network, DNS and proxy",
};
const THROTTLED: ErrorMapping = {
  code: "THROTTLED",
  hint: "it asks for fewer requests; keep one credential for all signers of a process, and try again",
};
const FEDERATION =
  "the issuer, subject and audience of a federated credential of the application must be those of the token";

// Azure documentation, "Microsoft Entra authentication & authorization error codes".
const ENTRA_ERRORS: Readonly<Record<string, ErrorMapping>> = {
  AADSTS7000215: denied("the client secret is wrong: pass the secret's value, not its ID"),
  AADSTS7000222: denied("the client secret has expired: create a new one in the app registration"),
  AADSTS700016: denied("the tenant has no application with this clientId: correct clientId or tenantId"),
  AADSTS90002: denied("there is no such tenant: correct tenantId, and authorityHost in a sovereign cloud"),
  AADSTS900023: denied("there is no such tenant: correct tenantId, and authorityHost in a sovereign cloud"),
  AADSTS700027: denied(
    "the client certificate or assertion is not accepted: check the app registration's certificates",
  ),
  AADSTS700021: denied("the client assertion is for another application: its issuer and subject must be the clientId"),
  AADSTS700024: denied(
    "the client assertion is outside its time range: check this machine's clock, and that the token is renewed",
  ),
  AADSTS70021: denied(`no federated credential matches the token: ${FEDERATION}`),
  AADSTS700211: denied(`no federated credential has the token's issuer: ${FEDERATION}`),
  AADSTS700212: denied(`no federated credential has the token's audience: ${FEDERATION}`),
  AADSTS700213: denied(`no federated credential has the token's subject: ${FEDERATION}`),
  AADSTS700222: denied(
    "a token of Entra ID cannot be a federated credential here: use a token of another identity provider",
  ),
  AADSTS700223: denied("the application does not allow federated credentials: check its sign-in audience"),
  AADSTS700229: denied("the token is not one of an application: request it with client credentials"),
  AADSTS50013: denied("the assertion's signature is not accepted: check which key signs it, and the app registration"),
  AADSTS500011: denied("the vault's service is not known in this tenant: check the tenant and the cloud"),
  AADSTS53003: denied("a Conditional Access policy forbids it: have an administrator allow this application from here"),
  AADSTS50034: denied("the account is not known in this tenant: check the tenant"),
  AADSTS50020: denied("the account is of another tenant: pass the vault's tenantId"),
  AADSTS50173: denied("the session has expired: log in again (az login)"),
  AADSTS700082: denied("the session has expired: log in again (az login)"),
  AADSTS90033: UNAVAILABLE,
  AADSTS90006: UNAVAILABLE,
  AADSTS90012: UNAVAILABLE,
  AADSTS90024: UNAVAILABLE,
  AADSTS50033: UNAVAILABLE,
  AADSTS50196: THROTTLED,
  AADSTS90055: THROTTLED,
};

// What @azure/identity and the managed identity say without a code. An endpoint that is down, or is not one, is an error of the SDK's own.
const SPECIFIC: readonly (readonly [pattern: RegExp, mapping: (match: RegExpExecArray) => ErrorMapping])[] = [
  [
    /not configured to acquire tokens for tenant\s+(\S+?)\.?\s/i,
    ([, tenant]) =>
      denied(
        `the vault is of the tenant ${tenant}, which the credential is not for: add it to additionallyAllowedTenants, or pass its tenantId`,
      ),
  ],
  [
    /Multiple user assigned identities|specify the client ?Id/i,
    () =>
      denied(
        "several managed identities are assigned here: pass the clientId of one (managedIdentityClientId, AZURE_CLIENT_ID)",
      ),
  ],
  [
    /Identity not found|No User Assigned or Delegated Managed Identity|identity is not assigned|no managed identity/i,
    () => denied("this managed identity is not assigned here: assign it, or correct its clientId"),
  ],
  [/throttl|too many requests/i, () => THROTTLED],
  [/reading 'expires_on'/, () => UNAVAILABLE],
  [
    /ManagedIdentityCredential: Authentication failed/i,
    () => denied("it refused to issue a token: check that the identity is assigned here, and its clientId"),
  ],
  [
    /ENOENT|EACCES|no such file/,
    () =>
      denied(
        "the file of a token or a certificate cannot be read: check AZURE_FEDERATED_TOKEN_FILE or certificatePath",
      ),
  ],
];

function mappingOf(failure: Failure): ErrorMapping {
  const { name, text, status = 0, source } = failure;
  const known = Object.hasOwn(ENTRA_ERRORS, name) ? ENTRA_ERRORS[name] : undefined;
  if (known) return known;
  if (status === 429) return THROTTLED;
  if (status >= 500 || status === 408) return UNAVAILABLE;
  for (const [pattern, mapping] of SPECIFIC) {
    const match = pattern.exec(text);
    if (match) return mapping(match);
  }
  const transport = transportMapping(failure, source);
  if (transport) return transport;
  if (/endpoints_resolution_error|network_error|network unreachable|timed? ?out|no response|unreachable/i.test(text))
    return UNAVAILABLE;
  if (/not valid JSON|unexpected token|JSON\.parse|invalid json|could not be parsed|Unexpected end/i.test(text)) {
    return {
      code: "BACKEND_RESPONSE_INVALID",
      hint: `the response is not one of ${source}; check its address, and what answers in its place: a proxy, a captive portal`,
    };
  }
  if (name === "CredentialUnavailableError" || name === "AggregateAuthenticationError") {
    return denied(
      "nothing that it tries is set up here. Set up a managed identity, workload identity or the AZURE_* variables, " +
        "or run az login on a developer's machine",
    );
  }
  return denied("check the tenant, the client and its secret or certificate");
}
