import { Pkcs11KeyStore } from "../pkcs11/store.ts";
import { type CloudHsmStoreOptions, toPkcs11Options } from "./options.ts";

/**
 * The secp256k1 signing keys that a crypto user of an AWS CloudHSM cluster owns or shares, through AWS's PKCS#11 library of
 * Client SDK 5, which must be installed and configured (`configure-pkcs11`) where this runs.
 *
 * One slot is one cluster: where several are configured, name one by `slotIndex`, `slot` or `tokenLabel`. Each attribute read
 * is a request to an HSM: listing a thousand keys makes several thousand. Keys with a quorum value are listed where the
 * library shows them, and fail to sign.
 *
 * `importKey` needs a library that takes private keys by C_CreateObject or offers CKM_AES_KEY_WRAP_PAD. AWS documents
 * neither for Client SDK 5: import with the CloudHSM CLI there. `create` leaves the key owned by the user.
 *
 * @example
 * const store = new CloudHsmKeyStore({ user: "signer", password, namePrefix: "treasury-" });
 */
export class CloudHsmKeyStore extends Pkcs11KeyStore {
  /** Does no I/O. @throws ethers' INVALID_ARGUMENT for options that cannot be right. */
  constructor(options: CloudHsmStoreOptions) {
    super(toPkcs11Options(options), "cloudhsm");
  }
}
