import { id } from "ethers";
import { AzureKeyVaultSigner } from "../../src/azure-key-vault/index.ts";
import { optionsFor, startServer } from "../azure-key-vault/setup.ts";
import { describeSignerContract } from "./suite.ts";

describeSignerContract("AzureKeyVaultSigner over a server of Key Vault's protocol", async () => {
  const server = await startServer();
  const signers: AzureKeyVaultSigner[] = [];
  return {
    async create(privateKey, provider) {
      const keyName = `key-${id(privateKey).slice(2, 10)}`;
      if (server.vault.versions(keyName).length === 0) server.vault.put(keyName, { privateKey });
      const signer = new AzureKeyVaultSigner(optionsFor(server, { keyName }), provider);
      signers.push(signer);
      return signer;
    },
    async close() {
      await Promise.all(signers.map((signer) => signer.close()));
      await server.close();
    },
  };
});
