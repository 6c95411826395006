import type { KeyClientOptions } from "@azure/keyvault-keys";
import { isIdentifier } from "../backend/checks.ts";
import { isSignerError, SignerError } from "../core/errors.ts";
import { withDeadline } from "../signer/deadline.ts";
import { credentialError } from "./credential-errors.ts";
import type { AzureTokenCredential, ClientSecret } from "./options.ts";

type AccessToken = Awaited<ReturnType<AzureTokenCredential["getToken"]>>;

// The SDK counts a token as gone this long before it expires.
const MARGIN = 1_000;

export interface BoundedCredential extends AzureTokenCredential {
  /** Whose token a call waits for now, if it does. */
  readonly waitingFor: string | undefined;
}

/**
 * The same credential, with SignerErrors and a deadline, for the SDK, which keeps the tokens:
 *
 * - It shares one request for a token among all calls that wait for it, but ends it with the call that began it: the others
 *   learn by {@link retryWhen} that they have to request it again.
 * - It requests a new token two minutes before it needs one, and no call waits for that. One that never ended would hold up
 *   every later call; one that failed until the end would be an unhandled rejection, which ends the process. So the SDK gets the
 *   token that it has, and requests another at the next call.
 *
 * @param timeout in milliseconds.
 * @param source whose the credential is, for errors.
 */
export function boundedCredential(
  credential: AzureTokenCredential,
  timeout: number,
  source?: string,
): BoundedCredential {
  let requests = 0;
  let last: { readonly purpose: string; readonly token: AccessToken } | undefined;
  const timedOut = () => {
    const message = `the credential returned no token within ${timeout} ms; check that its token service can be reached`;
    return new SignerError("BACKEND_TIMEOUT", message, { operation: "getToken", info: { source: "the credential" } });
  };
  return {
    get waitingFor() {
      return requests > 0 ? (source ?? "the credential") : undefined;
    },
    async getToken(scopes, options) {
      // The SDK asks again with the signal of a call that is over: for a later one's sake.
      const given = options?.abortSignal as AbortSignal | undefined;
      const signal = given?.aborted ? undefined : given;
      const purpose = JSON.stringify([scopes, options?.tenantId, options?.claims]);
      const current = last?.purpose === purpose ? last.token : null;
      const early = (current?.expiresOnTimestamp ?? 0) > Date.now() + MARGIN;
      requests += 1;
      try {
        const request = (abortSignal: AbortSignal) => credential.getToken(scopes, { ...options, abortSignal });
        const token = await withDeadline(request, { signal, deadline: { ms: timeout, error: timedOut } });
        // By its type it may return null, which the SDK would send as a token.
        if (typeof token?.token !== "string" || token.token === "") throw noToken();
        if (!isIdentifier(token.token)) throw unprintableToken();
        last = { purpose, token };
        return token;
      } catch (error) {
        if (early) return current;
        throw signal?.aborted ? abandoned() : credentialError(error, {}, source);
      } finally {
        requests -= 1;
      }
    },
  };
}

function abandoned(): SignerError {
  const message = "the call that had asked for a token ended before it came; try again";
  return new SignerError("BACKEND_UNAVAILABLE", message, { operation: "getToken", info: { abandoned: true } });
}

function noToken(): SignerError {
  const message = "the credential returned no token: it is not set up here, or not for this vault's tenant and scope";
  return new SignerError("ACCESS_DENIED", message, { operation: "getToken", info: { source: "the credential" } });
}

function unprintableToken(): SignerError {
  const message =
    "the credential's token has a line break or other white space, which no header can have; trim what was read from a file";
  return new SignerError("ACCESS_DENIED", message, { operation: "getToken", info: { source: "the credential" } });
}

/** For `retry`: what was throttled without a Retry-After; and a request for a token that ended early with another call. */
export function retryWhen(error: unknown): "now" | "backoff" | false {
  if (isSignerError(error, "BACKEND_UNAVAILABLE") && error.info?.["abandoned"] === true) return "now";
  const isBare =
    isSignerError(error, "THROTTLED") && error.info?.["statusCode"] === 429 && error.info["retryAfter"] === undefined;
  return isBare ? "backoff" : false;
}

// Where the sovereign clouds' vaults are, and where their tokens come from (Azure documentation, "National clouds").
const AUTHORITIES: readonly (readonly [suffix: string, authority: string])[] = [
  [".azure.cn", "https://login.chinacloudapi.cn"],
  [".usgovcloudapi.net", "https://login.microsoftonline.us"],
];

/**
 * The service principal's credential, for the cloud that the vault is in. Its requests for tokens go the way of those to the
 * vault: by the same proxy, with the same TLS settings and retries.
 */
export async function clientSecretCredential(
  { tenantId, clientId, clientSecret }: ClientSecret,
  vaultUrl: string,
  { agent, httpClient, proxyOptions, retryOptions, tlsOptions }: KeyClientOptions,
): Promise<AzureTokenCredential> {
  const { ClientSecretCredential } = await importIdentity();
  const { hostname } = new URL(vaultUrl);
  const [, authorityHost] = AUTHORITIES.find(([suffix]) => hostname.endsWith(suffix)) ?? [];
  const options = { authorityHost, agent, httpClient, proxyOptions, retryOptions, tlsOptions };
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  return new ClientSecretCredential(tenantId, clientId, clientSecret, given);
}

async function importIdentity(): Promise<typeof import("@azure/identity")> {
  try {
    return await import("@azure/identity");
  } catch (cause) {
    const message =
      "the package @azure/identity cannot be loaded: run npm install @azure/identity (clientSecret needs it; with a credential of " +
      "your own it is not used)";
    throw new SignerError("DEPENDENCY_MISSING", message, { operation: "import", cause });
  }
}
