import type { Meaning } from "./meaning.ts";
import { grantAdvice, identityIn, type RequestKind } from "./permissions.ts";
import type { ServiceResponse } from "./response.ts";

type Cure = Omit<Meaning, "name">;

const DISABLED: Cure = {
  code: "KEY_UNUSABLE",
  advice: "the key version is disabled; enable it (az keyvault key set-attributes --enabled true)",
};
const OUTSIDE_VALIDITY: Cure = {
  code: "KEY_UNUSABLE",
  advice: "the key version is not yet valid or has expired (nbf, exp); change its dates, or use another version",
};
const MAY_NOT_SIGN: Cure = {
  code: "KEY_UNUSABLE",
  advice: "the key may not sign (key_ops); allow it (az keyvault key set-attributes --ops sign verify)",
};
const DELETED: Cure = {
  code: "KEY_NOT_FOUND",
  advice: "the key is deleted; recover it (az keyvault key recover), which the vault allows for 7 to 90 days",
};
const NOT_FOUND: Cure = {
  code: "KEY_NOT_FOUND",
  advice:
    "the vault has no such key or version; correct keyName and keyVersion, or recover the key where it was deleted " +
    "(az keyvault key recover)",
};
const NAME_BLOCKED: Cure = {
  code: "KEY_UNUSABLE",
  advice:
    "a deleted key has this name, which stays blocked for 7 to 90 days: take another name, recover that key " +
    "(az keyvault key recover), or purge it, which cannot be undone",
};
const UNAVAILABLE: Cure = {
  code: "BACKEND_UNAVAILABLE",
  advice:
    "the service failed by itself, also after the SDK's retries; try again later, and look at Azure's service health",
};

// By the inner code, or else the code (REST reference, "Azure Key Vault REST API error codes").
const BY_CODE: ReadonlyMap<string | undefined, Cure> = new Map([
  ["KeyDisabled", DISABLED],
  ["KeyNotYetValid", OUTSIDE_VALIDITY],
  ["KeyExpired", OUTSIDE_VALIDITY],
  ["KeyOperationForbidden", MAY_NOT_SIGN],
  ["KeyNotFound", NOT_FOUND],
  ["ObjectIsDeletedButRecoverable", DELETED],
  ["ObjectIsBeingDeleted", DELETED],
  [
    "ObjectIsBeingRecovered",
    { ...DELETED, retryable: true, advice: "the key is being recovered; try again in a minute" },
  ],
  ["VaultNotFound", { code: "KEY_NOT_FOUND", advice: "there is no such vault; correct vaultUrl" }],
]);

/** What an answer other than 200 means. */
export function serviceMeaning(response: ServiceResponse, request: RequestKind, vaultUrl: string): Meaning {
  const { status, error } = response;
  const codes = [error.code, error.innerCode].filter((code) => code !== undefined);
  const name = [`${status}`, ...codes].join(" ");
  const cure = BY_CODE.get(error.innerCode) ?? BY_CODE.get(error.code) ?? cureOf(response, request, vaultUrl);
  return { name, ...(cure === DELETED && isCreation(request) ? NAME_BLOCKED : cure) };
}

function cureOf({ status, error, retryAfter }: ServiceResponse, request: RequestKind, vaultUrl: string): Cure {
  switch (status) {
    case 400:
      return badRequest(request);
    case 401:
      return {
        code: "ACCESS_DENIED",
        advice:
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
        advice: "another operation on the key or the vault is under way; try again in a minute",
      };
    case 429:
      return {
        code: "THROTTLED",
        advice:
          `the vault's limit is reached${retryAfter === undefined ? "" : ` (Retry-After: ${retryAfter.slice(0, 40)})`}; send ` +
          "fewer requests, spread the keys over more vaults, or raise timeout",
      };
    case 408:
      return UNAVAILABLE;
    default:
      return status >= 500 ? UNAVAILABLE : unexpected(vaultUrl);
  }
}

function isCreation(request: RequestKind): boolean {
  return request === "create" || request === "import";
}

function badRequest(request: RequestKind): Cure {
  if (request === "sign") {
    return {
      code: "KEY_UNUSABLE",
      advice:
        "the key does not sign with this algorithm: P-256K keys take ES256K, old SECP256K1 keys ECDSA256. Use a key on " +
        "P-256K; see the cause",
    };
  }
  if (isCreation(request)) {
    return {
      code: "KEY_UNUSABLE",
      advice:
        "the vault does not take such a key. EC-HSM needs a Premium vault or a Managed HSM, and a Managed HSM takes EC-HSM " +
        "only; see the cause",
    };
  }
  return {
    code: "KEY_NOT_FOUND",
    advice: "the vault does not take this key name or version; correct them; see the cause",
  };
}

function forbidden(innerCode: string | undefined, message: string, request: RequestKind, vaultUrl: string): Cure {
  if (innerCode === "ForbiddenByFirewall" || innerCode === "ForbiddenByConnection") {
    const [, address] = /Client address:\s*([0-9a-f.:]+)/i.exec(message) ?? [];
    return {
      code: "ACCESS_DENIED",
      advice:
        `the vault's network rules refuse ${address === undefined ? "this machine" : `the address ${address}`}; allow it in ` +
        "the vault's firewall, or connect through a private endpoint",
    };
  }
  // Some answers have no inner code.
  if (identityIn(message) === undefined) {
    if (/disabled key/i.test(message)) return DISABLED;
    if (/not yet valid|expired/i.test(message)) return OUTSIDE_VALIDITY;
  }
  return { code: "ACCESS_DENIED", advice: grantAdvice(request, vaultUrl, message) };
}

function unexpected(vaultUrl: string): Cure {
  return {
    code: "BACKEND_RESPONSE_INVALID",
    advice: `this is no answer of Key Vault; check that ${vaultUrl} is the vault's URL and that no proxy answers in its place`,
  };
}
