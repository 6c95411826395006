import { Agent } from "node:http";
import { computeAddress, id, type Provider } from "ethers";
import type { RemoteSigner } from "ethers-hsm";
import { KmsSigner, type KmsSignerOptions } from "ethers-hsm/aws-kms";
import { AzureKeyVaultSigner, type AzureKeyVaultSignerOptions } from "ethers-hsm/azure-key-vault";
import { ServerProcess } from "../servers/process/server-process.ts";

/** A cloud's key service in a process of its own, and signers over its one key. */
export interface Cloud<Options = object> {
  readonly server: ServerProcess;
  readonly address: string;
  /** What the service calls the operation. */
  readonly sign: "Sign" | "sign";
  open(change?: Partial<Options>, provider?: null | Provider): RemoteSigner;
  /** Ends the connections that closed signers leave to the vendor's SDK. */
  endConnections(): void;
}

const TOKEN = "a-token-of-the-fault-scenes";
const KEY = "treasury";

// Read by the SDK when it is loaded: nothing may look for credentials on this machine or in its network.
Object.assign(process.env, {
  AWS_EC2_METADATA_DISABLED: "true",
  AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
  AWS_CONFIG_FILE: "/nonexistent/config",
  AWS_SHARED_CREDENTIALS_FILE: "/nonexistent/credentials",
});

export async function startAwsKms(privateKey = id("a key in AWS KMS")): Promise<Cloud<KmsSignerOptions>> {
  const server = await ServerProcess.start({ service: "aws-kms", keys: [{ name: KEY, privateKey }], tokens: [] });
  const credentials = { accessKeyId: "AKIATESTTESTTESTTEST", secretAccessKey: "test-secret-access-key" };
  const options = { keyId: KEY, region: "eu-west-1", endpoint: server.url, credentials };
  return {
    server,
    address: computeAddress(privateKey),
    sign: "Sign",
    open: (change, provider) => new KmsSigner({ ...options, ...change }, provider),
    endConnections: () => undefined,
  };
}

export async function startKeyVault(privateKey = id("a key in Key Vault")): Promise<Cloud<AzureKeyVaultSignerOptions>> {
  const keys = [{ name: KEY, privateKey }];
  const server = await ServerProcess.start({ service: "azure-key-vault", keys, tokens: [TOKEN] });
  // The SDK's retries keep their number, but not their pace.
  const retryOptions = { retryDelayInMs: 100 };
  // The SDK's own has no bound, and keeps idle connections after the signers were closed.
  const agent = new Agent({ keepAlive: true, maxSockets: 50 });
  const options = {
    ...{ vaultUrl: server.url, keyName: KEY, credential: credential() },
    ...{ allowInsecureConnection: true, disableChallengeResourceVerification: true, retryOptions, agent },
  };
  return {
    server,
    address: computeAddress(privateKey),
    sign: "sign",
    open: (change, provider) => new AzureKeyVaultSigner({ ...options, ...change }, provider),
    endConnections: () => agent.destroy(),
  };
}

/** One whose tokens the server takes. It says by the wall clock when they end, as every credential does. */
export function credential(lifetimeMs = 180_000) {
  return {
    asked: 0,
    async getToken() {
      this.asked += 1;
      return { token: TOKEN, expiresOnTimestamp: Date.now() + lifetimeMs };
    },
  };
}

export const CLOUDS = [
  ["AWS KMS", startAwsKms],
  ["Azure Key Vault", startKeyVault],
] as const;
