import { id } from "ethers";
import type { KmsKeyOptions } from "ethers-hsm/aws-kms";
import type { KmsKeyRecord } from "../servers/aws-kms/key-ring.ts";
import { KmsServer, type KmsServerOptions } from "../servers/aws-kms/kms-server.ts";

// Read by the SDK when it is loaded: nothing may look for credentials on this machine or in its network.
Object.assign(process.env, {
  AWS_EC2_METADATA_DISABLED: "true",
  AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
  AWS_CONFIG_FILE: "/nonexistent/config",
  AWS_SHARED_CREDENTIALS_FILE: "/nonexistent/credentials",
});
for (const name of Object.keys(process.env)) {
  if (
    /^AWS_(REGION|DEFAULT_REGION|PROFILE|ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN|ENDPOINT_URL|CONTAINER_)/.test(
      name,
    )
  ) {
    delete process.env[name];
  }
}

export const CREDENTIALS = { accessKeyId: "AKIATESTTESTTESTTEST", secretAccessKey: "test-secret-access-key" };
export const PRIVATE_KEY = id("the account of the AWS KMS tests");
export const DIGEST = id("a digest");

export interface Kms {
  readonly server: KmsServer;
  /** A secp256k1 key: PRIVATE_KEY. */
  readonly key: KmsKeyRecord;
  /** What a signer needs to reach the key on the server. */
  options(more?: Partial<KmsKeyOptions>): KmsKeyOptions;
}

export async function startKms(options: KmsServerOptions = {}): Promise<Kms> {
  const server = await KmsServer.start(options);
  const key = server.ring.importKey(PRIVATE_KEY);
  const common = { keyId: key.keyId, region: server.region, endpoint: server.url, credentials: CREDENTIALS };
  return { server, key, options: (more = {}) => ({ ...common, ...more }) };
}

/** What `action` rejects with. */
export async function rejectionOf(action: Promise<unknown>): Promise<unknown> {
  try {
    await action;
  } catch (error) {
    return error;
  }
  throw new Error("should have failed");
}
