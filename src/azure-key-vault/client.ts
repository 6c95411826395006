import type { CryptographyClient, GetKeyOptions, KeyClient } from "@azure/keyvault-keys";
import type { Call } from "../backend/calls.ts";
import { retry } from "../backend/retry.ts";
import { SignerError } from "../core/errors.ts";
import { type BoundedCredential, boundedCredential, clientSecretCredential, retryWhen } from "./credential.ts";
import { ENTRA_ID } from "./credential-errors.ts";
import { keyVaultError, type RequestKind } from "./errors.ts";
import { formatKeyUrl } from "./key-url.ts";
import type { KeyVersion } from "./key-version.ts";
import type { AzureKeyClient, CheckedVault } from "./options.ts";
import { connectionPolicy, pagePolicy } from "./policies.ts";
import { readResponse, refusalOf, type ServiceResponse } from "./response.ts";

export interface Response<T> {
  readonly value: T;
  /** The key that the response names, untrusted. */
  readonly kid: unknown;
}

export type SdkOptions = Pick<GetKeyOptions, "abortSignal" | "onResponse">;

/** The SDK's client of one vault, loaded and made at the first request, and its requests with their retries. */
export class VaultClient<C extends AzureKeyClient = AzureKeyClient> {
  readonly vaultUrl: string;
  readonly #options: CheckedVault<C>;
  readonly #closing = new AbortController();
  #opening: Promise<C | KeyClient> | undefined;
  #credential: BoundedCredential | undefined;

  constructor(options: CheckedVault<C>) {
    this.vaultUrl = options.vaultUrl;
    this.#options = options;
  }

  /**
   * One request, with the SDK's retries, and with one of ours: what is throttled without a Retry-After, which the SDK does not retry. What
   * waited for a token that another call gave up is retried at once.
   *
   * @throws SignerError, whatever the SDK throws, without the token.
   */
  send<T>(
    kind: RequestKind,
    call: Call,
    request: (client: C | KeyClient, options: SdkOptions) => Promise<T>,
  ): Promise<Response<T>> {
    const { signal, endsAt } = call;
    const attempt = () => this.sendOnce(kind, call, request);
    // The pages of a client that was made here are retried in its pipeline.
    const isRetriedBelow = kind === "list" && !("client" in this.#options.access);
    const when = (error: unknown) => {
      const kindOfRetry = retryWhen(error);
      return isRetriedBelow && kindOfRetry === "backoff" ? false : kindOfRetry;
    };
    return retry(attempt, { signal, endsAt, when });
  }

  /** One request with the SDK's retries alone. */
  async sendOnce<T>(
    kind: RequestKind,
    { signal, onAttempt, context, nameWaiting }: Call,
    request: (client: C | KeyClient, options: SdkOptions) => Promise<T>,
  ): Promise<Response<T>> {
    let response: ServiceResponse | undefined;
    nameWaiting(() => this.#credential?.waitingFor);
    try {
      const client = await this.client();
      const onResponse: SdkOptions["onResponse"] = (raw) => {
        response = readResponse(raw);
      };
      const value = await request(client, { abortSignal: signal, onResponse });
      return { value, kid: response?.kid };
    } catch (error) {
      const refusal = response ?? (kind === "list" ? refusalOf(error) : undefined);
      throw keyVaultError(error, refusal, { ...context, request: kind, vaultUrl: this.vaultUrl });
    } finally {
      onAttempt?.({ requestId: response?.requestId, isLost: response === undefined });
    }
  }

  /** Loads the SDK, sends nothing. */
  async client(): Promise<C | KeyClient> {
    this.#opening ??= this.#open().catch((error: unknown) => {
      this.#opening = undefined;
      throw error;
    });
    return this.#opening;
  }

  /** Ends what a listing left under way. Connections are the process's: the SDK's pool keeps them for later requests. */
  close(): void {
    this.#closing.abort();
  }

  async #open(): Promise<C | KeyClient> {
    const { vaultUrl, access, timeout } = this.#options;
    if ("client" in access) return access.client;
    const { KeyClient } = await importKeyVaultKeys();
    const { clientOptions } = access;
    const { credential } = access;
    const bounded =
      "getToken" in credential
        ? boundedCredential(credential, timeout)
        : boundedCredential(await clientSecretCredential(credential, vaultUrl, clientOptions), timeout, ENTRA_ID);
    const additionalPolicies = [
      ...(clientOptions.additionalPolicies ?? []),
      { policy: pagePolicy({ vaultUrl, timeout, closing: this.#closing.signal }), position: "perCall" as const },
      { policy: connectionPolicy(vaultUrl, timeout), position: "perRetry" as const },
    ];
    this.#credential = bounded;
    // A copy: the SDK writes its own user agent into the object that it gets.
    return new KeyClient(vaultUrl, bounded, { ...clientOptions, additionalPolicies });
  }
}

/** A client for one version, on the same connections and with the same token. */
export function cryptographyClient(client: AzureKeyClient, { url }: KeyVersion): CryptographyClient {
  const cryptography = client.getCryptographyClient(url.name, { keyVersion: url.version });
  // It would get the key once more before its first signature, once for each of those that start together; and it would
  // always refuse by the dates of that day, also when they were changed. The key was got and checked already, so it is told
  // what it otherwise finds out if it may not get keys: to leave all to the service. Should an SDK keep this elsewhere,
  // the cost is that one request.
  Object.assign(cryptography, { key: { kind: "remoteOnlyIdentifier", value: formatKeyUrl(url) } });
  return cryptography;
}

/** @throws SignerError DEPENDENCY_MISSING if the package is not installed. */
export async function importKeyVaultKeys(): Promise<typeof import("@azure/keyvault-keys")> {
  try {
    return await import("@azure/keyvault-keys");
  } catch (cause) {
    const message =
      "the package @azure/keyvault-keys cannot be loaded: run npm install @azure/keyvault-keys (Azure Key Vault needs it)";
    throw new SignerError("DEPENDENCY_MISSING", message, { operation: "import", cause });
  }
}
