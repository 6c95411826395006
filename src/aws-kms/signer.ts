import { assertArgument, type Provider } from "ethers";
import { FailoverKey } from "../signer/failover-key.ts";
import { RemoteSigner } from "../signer/remote-signer.ts";
import { KmsKey } from "./key.ts";
import type { KmsSignerOptions } from "./options.ts";
import { inRegion } from "./response.ts";

/**
 * An ethers signer over a secp256k1 key in AWS KMS (KeySpec ECC_SECG_P256K1, KeyUsage SIGN_VERIFY).
 *
 * It needs kms:GetPublicKey and kms:Sign on the key, and the package `@aws-sdk/client-kms`. An alias is resolved once, at
 * the first call: the account stays that key's, wherever the alias is pointed later. See {@link verifyKey}.
 *
 * `timeout` is for a whole call, the SDK's own retries included; at its end the request is aborted.
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
    else if (source.replicas === undefined) super(new KmsKey(source), provider, source);
    else super(failoverKey(source, source.replicas), provider);
  }

  override connect(provider: null | Provider): KmsSigner {
    return new KmsSigner(this, provider);
  }
}

/** The key in its own Region, then in each of the others. */
function failoverKey({ replicas, ...options }: KmsSignerOptions, regions: readonly string[]): FailoverKey {
  const { keyId, client, endpoint, expectedAddress, timeout, verifier, policy, audit, requireCustody, observer } =
    options;
  assertArgument(
    Array.isArray(regions) && regions.length > 0 && regions.every((region) => /^[a-z\d-]+$/.test(region)),
    "replicas must be an array of names of Regions, for example ['eu-central-1']",
    "replicas",
    replicas,
  );
  assertArgument(
    client === undefined && endpoint === undefined,
    "each Region of replicas has a client and an endpoint of its own: drop client and endpoint, or compose a FailoverKey of KmsKeys",
    "replicas",
    replicas,
  );
  assertArgument(
    typeof expectedAddress === "string",
    "replicas need expectedAddress: without it another key could become the account while its Region is out of reach",
    "expectedAddress",
    expectedAddress,
  );
  const others = regions.map((region) => {
    const replicaId = inRegion(keyId, region);
    assertArgument(
      replicaId !== undefined,
      "keyId must name a Multi-Region key: a key id or key ARN with mrk-, or an alias that each Region has",
      "keyId",
      keyId,
    );
    return new KmsKey({ ...options, region, keyId: replicaId });
  });
  const shared = { expectedAddress, timeout, verifier, policy, audit, requireCustody, observer };
  return new FailoverKey([new KmsKey(options), ...others], shared);
}
