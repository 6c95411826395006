import type { AccessToken, GetTokenOptions, TokenCredential } from "@azure/core-auth";
import type { Provider } from "ethers";
import { AzureKeyVaultSigner, type AzureKeyVaultSignerOptions } from "../../src/azure-key-vault/index.ts";
import { KeyVaultServer } from "../servers/azure-key-vault/server.ts";

export const TOKEN = "a-bearer-token-that-must-not-show";
export const PRIVATE_KEY = "0x0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
export const KEY_NAME = "hot-wallet";

/** A real TokenCredential, whose token is always the same. */
export class StaticCredential implements TokenCredential {
  readonly scopes: (string | string[])[] = [];
  readonly tenants: (string | undefined)[] = [];
  /** Milliseconds. */
  lifetime = 3_600_000;

  async getToken(scopes: string | string[], options?: GetTokenOptions): Promise<AccessToken> {
    this.scopes.push(scopes);
    this.tenants.push(options?.tenantId);
    return { token: TOKEN, expiresOnTimestamp: Date.now() + this.lifetime };
  }
}

/** A server that knows the token and holds {@link PRIVATE_KEY} as {@link KEY_NAME}. */
export async function startServer(): Promise<KeyVaultServer> {
  const server = await KeyVaultServer.start();
  server.tokens.add(TOKEN);
  server.vault.put(KEY_NAME, { privateKey: PRIVATE_KEY });
  return server;
}

/** Options for the server. The SDK's retries keep their number, but not their pace. */
export function optionsFor(
  server: KeyVaultServer,
  others: AzureKeyVaultSignerOptions = {},
): AzureKeyVaultSignerOptions {
  const key = others.keyId === undefined ? { vaultUrl: server.url, keyName: KEY_NAME } : {};
  return {
    ...key,
    credential: new StaticCredential(),
    allowInsecureConnection: true,
    disableChallengeResourceVerification: true,
    retryOptions: { retryDelayInMs: 1 },
    ...others,
  };
}

export function signerFor(
  server: KeyVaultServer,
  others?: AzureKeyVaultSignerOptions,
  provider?: null | Provider,
): AzureKeyVaultSigner {
  return new AzureKeyVaultSigner(optionsFor(server, others), provider);
}
