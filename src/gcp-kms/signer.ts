import type { Provider } from "ethers";
import { RemoteSigner } from "../signer/remote-signer.ts";
import { GcpKmsKey } from "./key.ts";
import type { GcpKmsSignerOptions } from "./options.ts";

/**
 * An ethers signer over a key version in Google Cloud KMS (EC_SIGN_SECP256K1_SHA256, protection level HSM).
 *
 * It needs cloudkms.cryptoKeyVersions.viewPublicKey and .useToSign on the key (role roles/cloudkms.signerVerifier), and the package
 * `google-auth-library`, unless `auth` or `client` is passed. Each version of a key is another account: the version is part of the name.
 *
 * `timeout` is for a whole call, retries included; at its end the request is aborted.
 *
 * @example
 * const keyVersion = "projects/acme/locations/europe-west1/keyRings/eth/cryptoKeys/treasury/cryptoKeyVersions/1";
 * const signer = new GcpKmsSigner({ keyVersion }, provider);
 */
export class GcpKmsSigner extends RemoteSigner {
  /**
   * Does no I/O: the first call looks for credentials, and fetches the public key.
   *
   * @param source the options; or a signer, to share its key and what it knows.
   * @throws ethers' INVALID_ARGUMENT for options that cannot be right.
   */
  constructor(source: GcpKmsSignerOptions | GcpKmsSigner, provider?: null | Provider) {
    if (source instanceof GcpKmsSigner) super(source, provider);
    else super(new GcpKmsKey(source), provider, source);
  }

  override connect(provider: null | Provider): GcpKmsSigner {
    return new GcpKmsSigner(this, provider);
  }
}
