import type { Provider } from "ethers";
import { opened } from "../signer/opened.ts";
import type { CallOptions } from "../signer/remote-key.ts";
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
  readonly #key: AzureKeyVaultKey;

  /**
   * Does no I/O: the first call loads @azure/keyvault-keys, gets a token and the key.
   *
   * @param source the options; or a signer, to share its client and what it knows.
   * @throws ethers' INVALID_ARGUMENT for options that cannot be right.
   */
  constructor(source: AzureKeyVaultSignerOptions | AzureKeyVaultSigner, provider?: null | Provider) {
    if (source instanceof AzureKeyVaultSigner) {
      super(source, provider);
      this.#key = source.#key;
    } else {
      const key = new AzureKeyVaultKey(source);
      super(key, provider, source);
      this.#key = key;
    }
  }

  /**
   * The same, and the key got and checked at once: it fails where the constructed signer's first call would. It signs
   * nothing, so a missing keys/sign permission shows at the first signature.
   */
  static async create(options: AzureKeyVaultSignerOptions, provider?: null | Provider): Promise<AzureKeyVaultSigner> {
    return opened(new AzureKeyVaultSigner(options, provider));
  }

  override connect(provider: null | Provider): AzureKeyVaultSigner {
    return new AzureKeyVaultSigner(this, provider);
  }

  /**
   * Looks whether the options still name the pinned key: one request that gets the key, by its name without a version where
   * the options have none. Signing never does this by itself, and goes on with the pinned version after a failure.
   *
   * @throws SignerError KEY_CHANGED where the key has a newer version: `info.previous` and `info.current` hold
   *   each one's `keyId`, the URL with the version, and `address`, undefined where the new one is not for Ethereum.
   *   KEY_UNUSABLE where the key is disabled, has expired or may no longer sign.
   */
  async verifyKey(options: CallOptions = {}): Promise<void> {
    await this.getPublicKey(options);
    await this.#key.verifyKey(options);
  }
}
