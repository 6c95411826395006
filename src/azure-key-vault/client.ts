import type { CryptographyClient, KeyClient, KeyClientOptions } from "@azure/keyvault-keys";
import { ownConnections } from "./connections.ts";
import { boundedCredential, clientSecretCredential } from "./credential.ts";
import { formatKeyUrl } from "./key-url.ts";
import type { KeyVersion } from "./key-version.ts";
import { limitPolicy } from "./limit-policy.ts";
import type { AzureKeyClient, VaultOptions } from "./options.ts";
import { importKeyVaultKeys } from "./sdk.ts";

export interface OpenVault<C> {
  readonly client: C;
  /** Ends the connections that are this vault's own; nothing of a caller's client. */
  close(): void;
}

/** The caller's client, or a new one. Loads the SDK, sends nothing. */
export async function openVault<C extends AzureKeyClient>({
  vaultUrl,
  access,
  timeout,
}: VaultOptions<C>): Promise<OpenVault<C | KeyClient>> {
  if ("client" in access) return { client: access.client, close: () => {} };
  const { KeyClient } = await importKeyVaultKeys();
  const additionalPolicies = [...(access.clientOptions.additionalPolicies ?? []), limitPolicy(vaultUrl)];
  const vault = withOwnConnections(vaultUrl, { ...access.clientOptions, additionalPolicies });
  const tokens = withOwnConnections("https:", access.clientOptions);
  const credential =
    "getToken" in access.credential
      ? access.credential
      : await clientSecretCredential(access.credential, vaultUrl, tokens.options);
  return {
    client: new KeyClient(vaultUrl, boundedCredential(credential, timeout), vault.options),
    close: () => {
      vault.agent?.destroy();
      tokens.agent?.destroy();
    },
  };
}

// A copy in any case: the SDK writes its own user agent into the object that it gets.
function withOwnConnections(url: string, options: KeyClientOptions) {
  const agent = ownConnections(url, options);
  return { agent, options: agent === undefined ? { ...options } : { ...options, agent } };
}

/** A client for one version, on the same connections and with the same token. */
export function cryptographyClient(client: AzureKeyClient, { url }: KeyVersion): CryptographyClient {
  const cryptography = client.getCryptographyClient(url.name, { keyVersion: url.version });
  // It would get the key once more before its first signature, once for each of those that start together; and it would
  // refuse by the dates of that day for ever, also when they were changed. The key was got and checked already, so it is told
  // what it otherwise finds out where it may not get keys: to leave all to the service. Should an SDK keep this elsewhere,
  // the cost is that one request.
  Object.assign(cryptography, { key: { kind: "remoteOnlyIdentifier", value: formatKeyUrl(url) } });
  return cryptography;
}
