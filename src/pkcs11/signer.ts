import type { Provider } from "ethers";
import { RemoteSigner } from "../signer/remote-signer.ts";
import { failoverKey } from "./fallbacks.ts";
import type { Pkcs11SignerHealth } from "./health.ts";
import { Pkcs11Key } from "./key.ts";
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
export class Pkcs11Signer extends RemoteSigner<Pkcs11SignerHealth> {
  /**
   * Does no I/O: the first call loads the library, opens a session, logs in and finds the key.
   *
   * @param source the options; or a signer, to share its sessions and what it knows.
   * @param backend the name in errors: a preset's own name, or `"pkcs11"`.
   * @throws ethers' INVALID_ARGUMENT for options that cannot be right.
   */
  constructor(source: Pkcs11SignerOptions | Pkcs11Signer, provider?: null | Provider, backend = "pkcs11") {
    if (source instanceof Pkcs11Signer) super(source, provider);
    else if (source.fallbacks && source.fallbacks.length > 0) super(failoverKey(source, backend), provider);
    else super(new Pkcs11Key(source, backend), provider, source);
  }

  override connect(provider: null | Provider): Pkcs11Signer {
    return new Pkcs11Signer(this, provider);
  }
}
