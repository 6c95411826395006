import { type ErrorMapping, type Failure, failureError, redactText } from "../backend/failure.ts";
import { codeIn, foreignMapping, transportMapping } from "../backend/transport.ts";
import { isSignerError, type SignerError, type SignerErrorContext } from "../core/errors.ts";
import { credentialError, isCredentialError } from "./credential-errors.ts";
import { isManagedHsm } from "./key-url.ts";
import type { ServiceResponse } from "./response.ts";

/** The `info.source` of Key Vault's own failures. */
export const KEY_VAULT = "Azure Key Vault";

/** What a request needs: the access policy's permission, and the action that a role must have. */
export type RequestKind = "get" | "sign" | "list" | "create" | "import" | "attest";

export interface RequestContext extends SignerErrorContext {
  readonly request: RequestKind;
  readonly vaultUrl: string;
}

// As the REST reference calls them.
const REQUESTS: Readonly<Record<RequestKind, string>> = {
  get: "getKey",
  sign: "sign",
  list: "getKeys",
  create: "createKey",
  import: "importKey",
  attest: "getKeyAttestation",
};

// Should a response repeat what was sent: any encoding of a private key, and much else.
const KEY_MATERIAL = /[\w+/=-]{16,}/g;

/**
 * The SignerError for what the SDK threw: who failed, Azure's codes and text, what to do.
 *
 * @param response the service's last response, if there was one. The SDK's error is not enough: with an empty or foreign
 *   body it is a TypeError of the SDK's own.
 */
export function keyVaultError(
  error: unknown,
  response: ServiceResponse | undefined,
  { request, vaultUrl, ...context }: RequestContext,
): SignerError {
  if (isSignerError(error)) return error.withContext(context);
  if (isCredentialError(error)) return credentialError(error, context);
  const { failure, mapping } =
    response && response.status !== 200
      ? refused(response, request, vaultUrl)
      : notRefused(error, vaultUrl, response !== undefined);
  const shown = request === "import" ? { ...failure, text: failure.text.replace(KEY_MATERIAL, "[REDACTED]") } : failure;
  return failureError(shown, mapping, { ...context, service: KEY_VAULT, request: REQUESTS[request] });
}

interface Mapped {
  readonly failure: Failure;
  readonly mapping: ErrorMapping;
}

const DISABLED = unusable("the key version is disabled; enable it (az keyvault key set-attributes --enabled true)");
const OUTSIDE_VALIDITY = unusable(
  "the key version is not yet valid or has expired (nbf, exp); change its dates, or use another version",
);
const NOT_FOUND: ErrorMapping = {
  code: "KEY_NOT_FOUND",
  hint:
    "the vault has no such key or version; correct keyName and keyVersion, or recover the key if it was deleted " +
    "(az keyvault key recover)",
};
const DELETED: ErrorMapping = {
  code: "KEY_NOT_FOUND",
  hint: "the key is deleted; recover it (az keyvault key recover), which the vault allows for 7 to 90 days",
};
const NAME_BLOCKED: ErrorMapping = {
  code: "KEY_EXISTS",
  hint:
    "a deleted key has this name, which stays blocked for 7 to 90 days: use another name, recover that key " +
    "(az keyvault key recover), or purge it, which cannot be undone",
};
const UNAVAILABLE: ErrorMapping = {
  code: "BACKEND_UNAVAILABLE",
  hint: "the service reported an internal error, also after the SDK's retries; try again later, and look at Azure's service health",
};

function unusable(hint: string): ErrorMapping {
  return { code: "KEY_UNUSABLE", hint };
}

/** By the inner code, or else the code (REST reference, "Azure Key Vault REST API error codes"). */
const ERRORS: Readonly<Record<string, ErrorMapping>> = {
  KeyDisabled: DISABLED,
  KeyNotYetValid: OUTSIDE_VALIDITY,
  KeyExpired: OUTSIDE_VALIDITY,
  KeyOperationForbidden: unusable(
    "the key may not sign (key_ops); allow it (az keyvault key set-attributes --ops sign verify)",
  ),
  KeyNotFound: NOT_FOUND,
  ObjectIsDeletedButRecoverable: DELETED,
  ObjectIsBeingDeleted: DELETED,
  ObjectIsBeingRecovered: { ...DELETED, retryable: true, hint: "the key is being recovered; try again in a minute" },
  VaultNotFound: { code: "KEY_NOT_FOUND", hint: "there is no such vault; correct vaultUrl" },
};

/** A response other than 200. Without a code of Key Vault's it did not come from there. */
function refused(response: ServiceResponse, request: RequestKind, vaultUrl: string): Mapped {
  const { status, requestId, isService, retryAfter, error } = response;
  const codes = [error.code, error.innerCode].filter((code) => code !== undefined);
  const failure = {
    source: isService ? KEY_VAULT : "what answers in the place of Azure Key Vault",
    name: [`${status}`, ...codes].join(" "),
    text: redactText(error.message),
    status,
    requestId,
    details: { errorCode: error.code, innerErrorCode: error.innerCode, retryAfter },
  };
  const known = [error.innerCode, error.code].find((code) => code !== undefined && Object.hasOwn(ERRORS, code));
  const mapping = (known && ERRORS[known]) || mappingOfStatus(response, request, vaultUrl);
  return { failure, mapping: mapping === DELETED && isCreation(request) ? NAME_BLOCKED : mapping };
}

function mappingOfStatus(response: ServiceResponse, request: RequestKind, vaultUrl: string): ErrorMapping {
  const { status, isService, error, retryAfter } = response;
  const foreign = isService ? undefined : foreignMapping(status, "Key Vault");
  if (foreign) return foreign;
  if (status === 429) {
    const header = retryAfter === undefined ? "" : ` (Retry-After: ${retryAfter.slice(0, 40)})`;
    const hint = `the vault's limit is reached${header}; send fewer requests, spread the keys over more vaults, or raise timeout`;
    return { code: "THROTTLED", hint };
  }
  if (status >= 500 || status === 408) return UNAVAILABLE;
  if (!isService) {
    const hint = `the response did not come from Key Vault; check that ${vaultUrl} is the vault's URL, and what answers in its place: a proxy, a filter, a captive portal`;
    return { code: "BACKEND_RESPONSE_INVALID", hint };
  }
  switch (status) {
    case 400:
      return badRequest(request);
    case 401:
      return {
        code: "ACCESS_DENIED",
        hint:
          "the vault did not accept the token. Check that the credential is of the vault's tenant and cloud, and this " +
          "machine's clock",
      };
    case 403:
      return forbidden(error.innerCode, error.message, request, vaultUrl);
    case 404:
      return NOT_FOUND;
    case 409:
      return {
        code: "BACKEND_UNAVAILABLE",
        hint: "another operation on the key or the vault is under way; try again in a minute",
      };
    default:
      return { code: "REQUEST_REJECTED", hint: "the vault refused the request" };
  }
}

function isCreation(request: RequestKind): boolean {
  return request === "create" || request === "import";
}

function badRequest(request: RequestKind): ErrorMapping {
  if (request === "sign") {
    return unusable(
      "the key does not sign with this algorithm: P-256K keys need ES256K, old SECP256K1 keys ECDSA256. Use a key on P-256K",
    );
  }
  if (isCreation(request)) {
    return {
      code: "REQUEST_REJECTED",
      hint: "the vault does not accept such a key. EC-HSM needs a Premium vault or a Managed HSM, and a Managed HSM accepts EC-HSM only",
    };
  }
  return { code: "KEY_NOT_FOUND", hint: "the vault does not accept this key name or version; correct them" };
}

function forbidden(
  innerCode: string | undefined,
  message: string,
  request: RequestKind,
  vaultUrl: string,
): ErrorMapping {
  if (innerCode === "ForbiddenByFirewall" || innerCode === "ForbiddenByConnection") {
    const [, address] = /Client address:\s*([0-9a-f.:]+)/i.exec(message) ?? [];
    return {
      code: "ACCESS_DENIED",
      hint:
        `the vault's network rules refuse ${address === undefined ? "this machine" : `the address ${address}`}; allow it in ` +
        "the vault's firewall, or connect through a private endpoint",
    };
  }
  // Some responses have no inner code.
  if (identityIn(message) === undefined) {
    if (/disabled key/i.test(message)) return DISABLED;
    if (/not yet valid|expired/i.test(message)) return OUTSIDE_VALIDITY;
  }
  return { code: "ACCESS_DENIED", hint: grantHint(request, vaultUrl, message) };
}

// The data actions of Azure roles, and those of a Managed HSM's local roles (Azure documentation, "Azure permissions for
// Security" and "Managed HSM local RBAC built-in roles"). Listing and reading are one action.
const ACTIONS: Readonly<Record<RequestKind, readonly [vault: string, managedHsm: string]>> = {
  get: ["read", "read/action"],
  list: ["read", "read/action"],
  sign: ["sign/action", "sign/action"],
  create: ["create/action", "create"],
  import: ["import/action", "import/action"],
  attest: ["read", "read/action"],
};

/** "grant keys/sign to …": by role, by action and by access policy, as the vault's kind has them. */
function grantHint(request: RequestKind, vaultUrl: string, serviceMessage: string): string {
  const identity = identityIn(serviceMessage) ?? "the credential's identity";
  const [vaultAction, hsmAction] = ACTIONS[request];
  const right = request === "attest" ? "get" : request;
  if (isManagedHsm(vaultUrl)) {
    return (
      `grant keys/${right} to ${identity}: the local role "Managed HSM Crypto User"${isCreation(request) ? "" : " for the key"}, or ` +
      `a custom one with Microsoft.KeyVault/managedHsm/keys/${hsmAction}`
    );
  }
  return (
    `grant keys/${right} to ${identity}: the role "Key Vault Crypto ${isCreation(request) ? "Officer" : "User"}", or a custom one with ` +
    `Microsoft.KeyVault/vaults/keys/${vaultAction}; in a vault with access policies, the key permission ` +
    `"${right}". A new role takes effect within some minutes`
  );
}

/** The application and the object ID that the service says it refused; undefined if it names none. */
function identityIn(serviceMessage: string): string | undefined {
  const parts = ["appid", "oid"].flatMap((name) => {
    const [, value] = new RegExp(`\\b${name}=([0-9A-Za-z-]+)`, "i").exec(serviceMessage) ?? [];
    return value === undefined ? [] : [`${name} ${value}`];
  });
  return parts.length > 0 ? parts.join(", ") : undefined;
}

/** No response, or one with status 200 that the SDK could not read. */
function notRefused(error: unknown, vaultUrl: string, isAnswered: boolean): Mapped {
  const { name, code, message } = (error ?? {}) as Readonly<Record<string, unknown>>;
  // Of a body that it cannot parse the SDK's error has all.
  const text = isAnswered ? "" : redactText(message);
  const platformCode = typeof code === "string" ? code : codeIn(text);
  const failure = {
    source: isAnswered ? "what answers in the place of Azure Key Vault" : KEY_VAULT,
    name: platformCode ?? (typeof name === "string" ? name : "Error"),
    text,
    platformCode,
  };
  return { failure, mapping: mappingWithoutRefusal(failure, vaultUrl, isAnswered) };
}

function mappingWithoutRefusal(failure: Failure, vaultUrl: string, isAnswered: boolean): ErrorMapping {
  const { name, text } = failure;
  if (isAnswered) {
    const hint = `the response did not come from Key Vault; check that ${vaultUrl} is the vault's URL, and what answers in its place: a proxy, a captive portal`;
    return { code: "BACKEND_RESPONSE_INVALID", hint };
  }
  if (/challenge resource|challenge contains invalid/i.test(text)) {
    return {
      code: "ACCESS_DENIED",
      hint:
        `no token was sent, since ${vaultUrl} requested one that is not its own. Correct vaultUrl; for a private name of ` +
        "the vault, or a test server, set disableChallengeResourceVerification",
    };
  }
  const transport = transportMapping(failure, vaultUrl);
  if (transport) return transport;
  if (name === "AbortError") {
    return {
      code: "BACKEND_UNAVAILABLE",
      hint: `the client ended the request before ${vaultUrl} responded; try again`,
    };
  }
  const hint = "the SDK, or a policy of its client, failed before it had a response; see the cause";
  return { code: "BACKEND_UNAVAILABLE", hint, retryable: false };
}
