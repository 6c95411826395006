import type { Provider } from "ethers";
import type { CallOptions } from "../signer/remote-key.ts";
import { RemoteSigner } from "../signer/remote-signer.ts";
import { failoverOf, keysOf } from "./fallbacks.ts";
import type { Pkcs11SignerHealth } from "./health.ts";
import type { Pkcs11Key } from "./key.ts";
import type { Pkcs11SignerOptions } from "./options.ts";

/**
 * An ethers signer over a secp256k1 key on a PKCS#11 token: SoftHSM, an HSM, or any module that signs with CKM_ECDSA.
 *
 * The user needs to see the private key and to use it: CKA_SIGN on the key, and the PIN of CKU_USER. The key's attributes
 * are read, never changed. For AWS CloudHSM take `CloudHsmSigner`.
 *
 * @example
 * const signer = new Pkcs11Signer(
 *   { libraryPath: "/usr/lib/softhsm/libsofthsm2.so", tokenLabel: "treasury", pin, keyLabel: "hot-wallet" },
 *   provider,
 * );
 */
export class Pkcs11Signer extends RemoteSigner {
  readonly #keys: readonly [Pkcs11Key, ...Pkcs11Key[]];

  /**
   * Does no I/O: the first call loads the library, opens a session, logs in and finds the key.
   *
   * @param source the options; or a signer, to share its sessions and what it knows.
   * @param backend what errors name: a preset's own name, or `"pkcs11"`.
   * @throws ethers' INVALID_ARGUMENT for options that cannot be right.
   */
  constructor(source: Pkcs11SignerOptions | Pkcs11Signer, provider?: null | Provider, backend = "pkcs11") {
    if (source instanceof Pkcs11Signer) {
      super(source, provider);
      this.#keys = source.#keys;
    } else {
      const keys = keysOf(source, backend);
      super(failoverOf(keys, source), provider, source);
      this.#keys = keys;
    }
  }

  override connect(provider: null | Provider): Pkcs11Signer {
    return new Pkcs11Signer(this, provider);
  }

  /**
   * How the library, the token, the login, the sessions and the key stand. It makes the calls that a first signature makes, but
   * signs nothing, and does not fail: what is wrong is in the answer. It knows no `timeout`: pass a signal.
   */
  async health(options: CallOptions = {}): Promise<Pkcs11SignerHealth> {
    const [preferred, ...fallbacks] = this.#keys;
    const health = await preferred.health(options);
    return { ...health, fallbacks: await Promise.all(fallbacks.map((key) => key.health(options))) };
  }
}
