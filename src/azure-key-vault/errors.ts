import { isSignerError, SignerError, type SignerErrorContext } from "../core/errors.ts";
import { credentialError, isCredentialError } from "./credential-errors.ts";
import type { RequestKind } from "./permissions.ts";
import type { ServiceResponse } from "./response.ts";
import { serviceMeaning } from "./service-errors.ts";
import { strippedCause } from "./stripped-cause.ts";
import { transportMeaning } from "./transport-errors.ts";

export interface RequestContext extends SignerErrorContext {
  readonly request: RequestKind;
  readonly vaultUrl: string;
}

// As the REST reference calls them.
const OPERATIONS: Readonly<Record<RequestKind, string>> = {
  get: "getKey",
  sign: "sign",
  list: "getKeys",
  create: "createKey",
  import: "importKey",
};

// Should an answer repeat what was sent: any encoding of a private key, and much else.
export const KEY_MATERIAL = /[\w+/=-]{16,}/g;

/**
 * The SignerError for what the SDK threw.
 *
 * @param response the service's last answer, where there was one. The SDK's error is not enough: with an empty or foreign
 *   body it is a TypeError of the SDK's own.
 */
export function keyVaultError(
  error: unknown,
  response: ServiceResponse | undefined,
  { request, vaultUrl, ...context }: RequestContext,
): SignerError {
  if (isSignerError(error)) return error.withContext(context);
  if (isCredentialError(error)) return credentialError(error, context);
  const refused = response !== undefined && response.status !== 200;
  const meaning = refused
    ? serviceMeaning(response, request, vaultUrl)
    : transportMeaning(error, vaultUrl, response !== undefined);
  return new SignerError(meaning.code, `${OPERATIONS[request]} failed with ${meaning.name}: ${meaning.advice}`, {
    ...context,
    retryable: meaning.retryable,
    requestId: response?.requestId,
    info: refused ? infoOf(response) : undefined,
    cause: request === "import" ? strippedCause(error, KEY_MATERIAL) : strippedCause(error),
  });
}

function infoOf({ status, error, retryAfter }: ServiceResponse): Readonly<Record<string, unknown>> {
  return { statusCode: status, errorCode: error.code, innerErrorCode: error.innerCode, retryAfter };
}
