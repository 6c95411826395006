import { BackendServer } from "../backend-server.ts";
import type { Section } from "../section.ts";
import { ownShare } from "./own-share.ts";

export const keyVault: Section = {
  name: "azure-key-vault",
  title: "Azure Key Vault: what the signer adds to the SDK",
  async run({ quick }) {
    const server = await BackendServer.start("azure-key-vault");
    try {
      const rows = await ownShare({
        module: "azure-key-vault",
        config: server.vaultTarget(),
        labels: { sdk: "`CryptographyClient.sign`, the SDK alone", signer: "`AzureKeyVaultSigner.signDigest`" },
        quick,
      });
      return [{ caption: "CPU time of the signing process; the server runs in another.", rows }];
    } finally {
      await server.stop();
    }
  },
};
