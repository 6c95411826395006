import type { Provider } from "ethers";
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
  /**
   * Does no I/O: the first call loads the SDK, and fetches the public key.
   *
   * @param source the options; or a signer, to share its client and what it knows.
   * @throws ethers' INVALID_ARGUMENT for options that cannot be right.
   */
  constructor(source: KmsSignerOptions | KmsSigner, provider?: null | Provider) {
    if (source instanceof KmsSigner) super(source, provider);
    else super(new KmsKey(source), provider, source);
  }

  override connect(provider: null | Provider): KmsSigner {
    return new KmsSigner(this, provider);
  }
}
