import type { KeyClientOptions } from "@azure/keyvault-keys";
import { isSignerError, SignerError } from "../core/errors.ts";
import { withDeadline } from "../signer/deadline.ts";
import { credentialError } from "./credential-errors.ts";
import type { AzureTokenCredential, ClientSecret } from "./options.ts";
import { importIdentity } from "./sdk.ts";

type AccessToken = Awaited<ReturnType<AzureTokenCredential["getToken"]>>;

// The SDK counts a token as gone this long before it expires.
const MARGIN = 1_000;

/**
 * The same credential, with SignerErrors and a deadline, for the SDK, which keeps the tokens:
 *
 * - It shares one request for a token among all calls that wait for it, but ends it with the call that began it: the others
 *   learn by {@link isAbandoned} that they have to ask again.
 * - It asks for a new token two minutes before it needs one, and nobody waits for that. One that never ended would hold up
 *   every later call; one that failed until the end would be an unhandled rejection, which ends the process. So it gets the
 *   token again that it has, and asks anew at the next call.
 *
 * @param timeout in milliseconds.
 */
export function boundedCredential(credential: AzureTokenCredential, timeout: number): AzureTokenCredential {
  let last: { readonly purpose: string; readonly token: AccessToken } | undefined;
  const timedOut = () => {
    const message = `the credential gave no token within ${timeout} ms; check that its token service can be reached`;
    return new SignerError("BACKEND_TIMEOUT", message, { operation: "getToken" });
  };
  return {
    async getToken(scopes, options) {
      // The SDK asks again with the signal of a call that is over: for a later one's sake.
      const given = options?.abortSignal as AbortSignal | undefined;
      const signal = given?.aborted ? undefined : given;
      const purpose = JSON.stringify([scopes, options?.tenantId, options?.claims]);
      const current = last?.purpose === purpose ? last.token : null;
      const early = (current?.expiresOnTimestamp ?? 0) > Date.now() + MARGIN;
      try {
        const request = (abortSignal: AbortSignal) => credential.getToken(scopes, { ...options, abortSignal });
        const token = await withDeadline(request, { signal, deadline: { ms: timeout, error: timedOut } });
        last = { purpose, token };
        return token;
      } catch (error) {
        if (early) return current;
        throw signal?.aborted ? abandoned() : credentialError(error);
      }
    },
  };
}

function abandoned(): SignerError {
  const message = "the call that had asked for a token ended before it came; try again";
  return new SignerError("BACKEND_UNAVAILABLE", message, { operation: "getToken", info: { abandoned: true } });
}

/** Whether the token was not refused, but another call's request for it ended early. */
export function isAbandoned(error: unknown): boolean {
  return isSignerError(error, "BACKEND_UNAVAILABLE") && error.info?.["abandoned"] === true;
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
