import type { Provider } from "ethers";
import { Pkcs11Signer } from "../pkcs11/signer.ts";
import { type CloudHsmSignerOptions, toSignerOptions } from "./options.ts";

/**
 * An ethers signer over a secp256k1 key in an AWS CloudHSM cluster, through AWS's PKCS#11 library of Client SDK 5, which
 * must be installed and configured (`configure-pkcs11`) where this runs.
 *
 * It needs a crypto user that owns the key, or shares it, with `sign=true`. One slot is one cluster: where several are
 * configured, name one by `slotIndex`, `slot` or `tokenLabel`. A key with a quorum value cannot be used through PKCS#11.
 *
 * @example
 * const signer = new CloudHsmSigner({ user: "signer", password, keyLabel: "treasury" }, provider);
 */
export class CloudHsmSigner extends Pkcs11Signer {
  /**
   * Does no I/O: the first call loads the library, opens a session, logs in and finds the key.
   *
   * @param source the options; or a signer, to share its sessions and what it knows.
   * @throws ethers' INVALID_ARGUMENT for options that cannot be right.
   */
  constructor(source: CloudHsmSignerOptions | CloudHsmSigner, provider?: null | Provider) {
    if (source instanceof CloudHsmSigner) super(source, provider);
    else super(toSignerOptions(source), provider, "cloudhsm");
  }

  override connect(provider: null | Provider): CloudHsmSigner {
    return new CloudHsmSigner(this, provider);
  }
}
