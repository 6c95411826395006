import { isSignerError, SignerError, type SignerErrorCode, type SignerErrorContext } from "../core/errors.ts";
import { strippedCause } from "./stripped-cause.ts";

interface Meaning {
  readonly code: SignerErrorCode;
  readonly advice: string;
}

// The classes of @azure/identity, by name: a copy of it need not be ours.
const NAMES: ReadonlySet<unknown> = new Set([
  "CredentialUnavailableError",
  "AuthenticationError",
  "AuthenticationRequiredError",
  "AggregateAuthenticationError",
]);

const UNREACHABLE: Meaning = {
  code: "BACKEND_UNAVAILABLE",
  advice: "the token service cannot be reached; check the network, DNS and proxy, and try again",
};

// Entra ID's own codes (Azure documentation, "Microsoft Entra authentication & authorization error codes").
const ENTRA_CODES: readonly (readonly [pattern: RegExp, advice: string])[] = [
  [/AADSTS7000215/, "the client secret is wrong: pass the secret's value, not its ID"],
  [/AADSTS7000222/, "the client secret has expired: create a new one in the app registration"],
  [/AADSTS700016/, "the tenant has no application with this clientId: correct clientId or tenantId"],
  [/AADSTS9000[27]/, "there is no such tenant: correct tenantId, and authorityHost in a sovereign cloud"],
  [/AADSTS700027|AADSTS700021/, "the client certificate or assertion is not accepted: check the app registration"],
];

/** Whether the error is one that a credential of @azure/identity throws. */
export function isCredentialError(error: unknown): boolean {
  return typeof error === "object" && error !== null && NAMES.has((error as { name?: unknown }).name);
}

/** The SignerError for what a credential threw; its cause holds neither secrets nor requests. */
export function credentialError(error: unknown, context: SignerErrorContext = {}): SignerError {
  if (isSignerError(error)) return error.withContext(context);
  const { name, message, statusCode, errorResponse } = (error ?? {}) as Readonly<Record<string, unknown>>;
  const { code, advice } = meaningOf(name, String(message), statusCode);
  const { correlationId } = (errorResponse ?? {}) as { correlationId?: unknown };
  return new SignerError(
    code,
    `the credential gave no token (${typeof name === "string" ? name : "Error"}): ${advice}`,
    {
      operation: "getToken",
      requestId: typeof correlationId === "string" ? correlationId : undefined,
      cause: strippedCause(error),
      ...context,
    },
  );
}

function meaningOf(name: unknown, message: string, statusCode: unknown): Meaning {
  if (statusCode === 429) return { code: "THROTTLED", advice: "the token service asks for fewer requests" };
  if (typeof statusCode === "number" && statusCode >= 500) return UNREACHABLE;
  const known = ENTRA_CODES.find(([pattern]) => pattern.test(message));
  if (known) return { code: "ACCESS_DENIED", advice: known[1] };
  if (name === "CredentialUnavailableError" || name === "AggregateAuthenticationError") {
    return {
      code: "ACCESS_DENIED",
      advice:
        "nothing that it tries is configured here. Set up a managed identity, workload identity or the AZURE_* variables, " +
        "or run az login on a developer's machine",
    };
  }
  if (/endpoints_resolution_error|network_error|ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT/.test(message)) {
    return UNREACHABLE;
  }
  return { code: "ACCESS_DENIED", advice: "check the tenant, the client and its secret or certificate; see the cause" };
}
