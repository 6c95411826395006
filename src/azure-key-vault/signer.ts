import type { Provider } from "ethers";
import { RemoteSigner } from "../signer/remote-signer.ts";
import { AzureKeyVaultKey } from "./key.ts";
import type { AzureKeyVaultSignerOptions } from "./options.ts";

/**
 * An ethers signer over a secp256k1 key (P-256K, or the old SECP256K1) in Azure Key Vault or Managed HSM.
 *
 * The identity needs keys/get and keys/sign: the role "Key Vault Crypto User" (in a Managed HSM, "Managed HSM Crypto User")
 * or `Microsoft.KeyVault/vaults/keys/read` and `…/keys/sign/action`.
 *
 * Each version of a key is another account. Without `keyVersion` the version that is current at the first call is pinned:
 * a rotation changes neither the address nor what signs, until a new signer is constructed.
 *
 * @example
 * const credential = new DefaultAzureCredential();
 * const signer = new AzureKeyVaultSigner(
 *   { vaultUrl: "https://treasury.vault.azure.net", keyName: "hot-wallet", credential },
 *   provider,
 * );
 */
export class AzureKeyVaultSigner extends RemoteSigner {
  /**
   * Does no I/O: the first call loads @azure/keyvault-keys, gets a token and the key.
   *
   * @param source the options; or a signer, to share its client and what it knows.
   * @throws ethers' INVALID_ARGUMENT for options that cannot be right.
   */
  constructor(source: AzureKeyVaultSignerOptions | AzureKeyVaultSigner, provider?: null | Provider) {
    if (source instanceof AzureKeyVaultSigner) super(source, provider);
    else super(new AzureKeyVaultKey(source), provider, source);
  }

  override connect(provider: null | Provider): AzureKeyVaultSigner {
    return new AzureKeyVaultSigner(this, provider);
  }
}
