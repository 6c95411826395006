import type { Provider } from "ethers";
import { RemoteSigner } from "../../signer/remote-signer.ts";
import { CloudHsmQuorumKey } from "./key.ts";
import { type CloudHsmQuorumSignerOptions, signerOptions } from "./options.ts";

/**
 * An ethers signer over a secp256k1 key of an AWS CloudHSM cluster of which m users must approve each signature, through AWS's
 * CloudHSM CLI (Client SDK 5), which must be installed and configured (`configure-cli`) where this runs.
 *
 * The key is made with `--use-private-key-quorum-value m`, and cannot be used through PKCS#11. The HSM checks the approvals; what
 * is signed it does not show to approvers, since a token names a key and no digest: the approval request does, and
 * `verifyApprovalRequest` checks it on the approver's side. A process that is logged in as `user` can sign any digest with a token that
 * was approved: run this where only the application can.
 *
 * A signature takes as long as people do. `sendTransaction` reads the nonce and the fees before it asks: leave room in them.
 *
 * Errors: ACCESS_DENIED with `info.reason` where approvals were refused, too few, expired or not taken; where the CLI ended or did
 * not answer after it was told to sign, the error says that the outcome is unknown (`info.reason` is `"outcome-unknown"`).
 *
 * @example
 * const signer = new CloudHsmQuorumSigner({ user: "treasurer", password, keyLabel: "cold", approve: askTreasurers }, provider);
 */
export class CloudHsmQuorumSigner extends RemoteSigner {
  /**
   * Does no I/O: the first call starts the CLI, logs in and finds the key.
   *
   * @param source the options; or a signer, to share its session and what it knows.
   * @throws ethers' INVALID_ARGUMENT for options that cannot be right.
   */
  constructor(source: CloudHsmQuorumSignerOptions | CloudHsmQuorumSigner, provider?: null | Provider) {
    if (source instanceof CloudHsmQuorumSigner) super(source, provider);
    else super(new CloudHsmQuorumKey(source), provider, signerOptions(source));
  }

  override connect(provider: null | Provider): CloudHsmQuorumSigner {
    return new CloudHsmQuorumSigner(this, provider);
  }
}
