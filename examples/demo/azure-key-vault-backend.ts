import type { Provider } from "ethers";
import { AzureKeyVaultSigner } from "ethers-hsm/azure-key-vault";
import { KeyVaultServer } from "../../tests/servers/azure-key-vault/server.ts";
import type { DemoBackend } from "./backend.ts";
import { newPrivateKey } from "./new-private-key.ts";

/** Azure's SDK against a server of the tests that speaks Key Vault's protocol; or Azure itself, where a key is named. */
export function azureKeyVaultBackend(keyId: string | undefined): DemoBackend {
  if (keyId !== undefined) {
    return {
      description: "AzureKeyVaultSigner over Azure Key Vault, with the credentials of your environment",
      async open(provider: Provider) {
        const { DefaultAzureCredential } = await import("@azure/identity");
        return new AzureKeyVaultSigner({ keyId, credential: new DefaultAzureCredential() }, provider);
      },
      close: async () => undefined,
    };
  }
  let server: KeyVaultServer | undefined;
  return {
    description: "AzureKeyVaultSigner over Azure's SDK and a local server that speaks Key Vault's protocol",
    async open(provider: Provider) {
      server = await KeyVaultServer.start();
      const [token, keyName] = ["demo-token", "demo-key"];
      server.tokens.add(token);
      server.vault.put(keyName, { privateKey: newPrivateKey() });
      return new AzureKeyVaultSigner(
        {
          vaultUrl: server.url,
          keyName,
          credential: { getToken: async () => ({ token, expiresOnTimestamp: Date.now() + 3_600_000 }) },
          // For a server on this machine alone, without TLS and outside Azure's domains.
          allowInsecureConnection: true,
          disableChallengeResourceVerification: true,
        },
        provider,
      );
    },
    close: async () => server?.close(),
  };
}
