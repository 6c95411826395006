import type { Provider } from "ethers";
import { opened } from "../signer/opened.ts";
import type { CallOptions } from "../signer/remote-key.ts";
import { RemoteSigner } from "../signer/remote-signer.ts";
import { KmsKey } from "./key.ts";
import type { KmsSignerOptions } from "./options.ts";

/**
 * An ethers signer over a secp256k1 key in AWS KMS (KeySpec ECC_SECG_P256K1, KeyUsage SIGN_VERIFY).
 *
 * It needs kms:GetPublicKey and kms:Sign on the key, and the package `@aws-sdk/client-kms`. An alias is resolved once, at
 * the first call: the account stays that key's, wherever the alias is pointed later. See {@link verifyKey}.
 *
 * `timeout` is for a whole call, the SDK's own repetitions included; at its end the request is aborted.
 *
 * @example
 * const signer = new KmsSigner({ keyId: "alias/treasury", region: "eu-west-1" }, provider);
 */
export class KmsSigner extends RemoteSigner {
  readonly #key: KmsKey;
  readonly #timeout: number | undefined;

  /**
   * Does no I/O: the first call loads the SDK, and fetches the public key.
   *
   * @param source the options; or a signer, to share its client and what it knows.
   * @throws ethers' INVALID_ARGUMENT for options that cannot be right.
   */
  constructor(source: KmsSignerOptions | KmsSigner, provider?: null | Provider) {
    if (source instanceof KmsSigner) {
      super(source, provider);
      this.#key = source.#key;
      this.#timeout = source.#timeout;
    } else {
      const key = new KmsKey(source);
      super(key, provider, source);
      this.#key = key;
      this.#timeout = source.timeout;
    }
  }

  /**
   * The same, and fetches the public key at once: wrong credentials, permissions, keys and addresses show here. Only a
   * signature proves kms:Sign, and that the key is enabled.
   */
  static async create(options: KmsSignerOptions, provider?: null | Provider): Promise<KmsSigner> {
    return opened(new KmsSigner(options, provider));
  }

  override connect(provider: null | Provider): KmsSigner {
    return new KmsSigner(this, provider);
  }

  /**
   * Looks up again which key `keyId` names. It changes nothing: this signer keeps signing by the key that it pinned.
   *
   * Costs one GetPublicKey, and needs kms:GetPublicKey on the key that is named now.
   *
   * @throws SignerError KEY_CHANGED where it names another key than at the first call, as an alias can; `info.previous` and
   *   `info.current` hold each one's `keyId`, the key ARN, and `address`, undefined where the new one is not for Ethereum.
   */
  async verifyKey(options: CallOptions = {}): Promise<void> {
    await this.getPublicKey(options);
    const again = new RemoteSigner(this.#key.lookedUpAgain(), null, { timeout: this.#timeout });
    await again.getPublicKey(options);
  }
}
