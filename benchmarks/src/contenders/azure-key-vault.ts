import { KeyClient } from "@azure/keyvault-keys";
import { getBytes, id } from "ethers";
import { AzureKeyVaultSigner } from "ethers-hsm/azure-key-vault";
import { signatureFromCompact } from "ethers-hsm/codecs";
import type { VaultTarget } from "../backend-server.ts";
import type { Contenders } from "../contender.ts";
import { vaultOptions } from "../vault-options.ts";
import { requireRawSignatureBy, requireSignatureBy } from "./proof.ts";

const DIGEST = getBytes(id("a digest"));

/** The SDK alone, and the signer on it: both sign one digest with Key Vault's protocol. */
export const contenders: Contenders<VaultTarget> = {
  async sdk(target) {
    const { vaultUrl, credential, ...options } = vaultOptions(target);
    const client = new KeyClient(vaultUrl, credential, options);
    const { properties } = await client.getKey(target.keyName);
    const cryptography = client.getCryptographyClient(
      target.keyName,
      properties.version === undefined ? {} : { keyVersion: properties.version },
    );
    const sign = () => cryptography.sign("ES256K", DIGEST);
    return {
      perform: sign,
      async prove() {
        requireRawSignatureBy(target.address, DIGEST, signatureFromCompact((await sign()).result));
      },
    };
  },

  async signer(target) {
    const signer = new AzureKeyVaultSigner({ keyName: target.keyName, ...vaultOptions(target) });
    return {
      perform: () => signer.signDigest(DIGEST),
      prove: async () => requireSignatureBy(target.address, DIGEST, await signer.signDigest(DIGEST)),
    };
  },
};
