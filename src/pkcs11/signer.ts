import type { Provider } from "ethers";
import type { CallOptions } from "../signer/remote-key.ts";
import { RemoteSigner } from "../signer/remote-signer.ts";
import type { Pkcs11Health } from "./health.ts";
import { Pkcs11Key } from "./key.ts";
import type { Pkcs11SignerOptions } from "./options.ts";
import { GENERIC, type Pkcs11Preset } from "./preset.ts";

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
  readonly #key: Pkcs11Key;

  /**
   * Does no I/O: the first call loads the library, opens a session, logs in and finds the key.
   *
   * @param source the options; or a signer, to share its sessions and what it knows.
   * @param preset for a vendor's preset over PKCS#11.
   * @throws ethers' INVALID_ARGUMENT for options that cannot be right.
   */
  constructor(source: Pkcs11SignerOptions | Pkcs11Signer, provider?: null | Provider, preset: Pkcs11Preset = GENERIC) {
    if (source instanceof Pkcs11Signer) {
      super(source, provider);
      this.#key = source.#key;
    } else {
      const key = new Pkcs11Key(source, preset);
      super(key, provider, source);
      this.#key = key;
    }
  }

  override connect(provider: null | Provider): Pkcs11Signer {
    return new Pkcs11Signer(this, provider);
  }

  /**
   * How the library, the token, the login, the sessions and the key stand. It makes the calls that a first signature makes, but
   * signs nothing, and does not fail: what is wrong is in the answer. It knows no `timeout`: pass a signal.
   */
  async health(options: CallOptions = {}): Promise<Pkcs11Health> {
    return this.#key.health(options);
  }
}
