import type { KMSClient, KMSClientConfig } from "@aws-sdk/client-kms";
import { getBytes, hashMessage } from "ethers";
import { kmsError } from "../../aws-kms/errors.ts";
import { regionOf } from "../../aws-kms/key-name.ts";
import { isSignerError, SignerError } from "../../core/errors.ts";
import { callerIdentity, stsEndpoint } from "./caller-identity.ts";
import type { CheckContext, SigningChecks } from "./check-context.ts";
import { checkEndpoint } from "./endpoint.ts";
import { checkKmsKey } from "./kms-key.ts";
import { named } from "./packages.ts";
import { TEST_MESSAGE } from "./test-message.ts";

/** https://docs.aws.amazon.com/kms/latest/developerguide/testing-permissions.html */
export async function checkAwsKms({ checks, signer, options, timeout }: CheckContext): Promise<SigningChecks> {
  const { keyId, timeout: _timeout, ...given } = options;
  const region = regionOf(String(keyId));
  const opened: { client?: KMSClient } = {};
  const sdk = await checks.step("SDK", [], async () => {
    const loaded = await importSdk();
    const config = { ...(region === undefined ? {} : { region }), ...given } as KMSClientConfig;
    opened.client = new loaded.KMSClient(config);
    return { detail: named("@aws-sdk/client-kms"), value: { ...loaded, client: opened.client } };
  });
  const signal = () => ({ abortSignal: AbortSignal.timeout(timeout) });
  const asked = (operation: string) => ({ operation, keyId: String(keyId) });

  const regionStep = await checks.step("Region", [sdk], async ({ client }) => {
    const name = await translated(() => client.config.region(), asked("configuration"));
    return { detail: name, facts: { region: name }, value: name };
  });
  const credentials = await checks.step("credentials", [sdk], async ({ client }) => {
    const found = await translated(() => client.config.credentials(), asked("credentials"));
    const { accessKeyId, expiration, accountId } = found;
    const shown = `${accessKeyId.slice(0, 4)}…${accessKeyId.slice(-4)}`;
    const until = expiration === undefined ? "" : `, until ${expiration.toISOString()}`;
    const facts = { accessKeyId: shown, accountId: accountId ?? null, expires: expiration?.toISOString() ?? null };
    return { detail: `access key ${shown}${until}`, facts, value: found };
  });
  const endpoint = await checks.step("endpoint and TLS", [sdk, regionStep], async ({ client }, name) =>
    checkEndpoint(await endpointOf(client, name), timeout),
  );
  await checks.step("whose credentials", [credentials, regionStep, sdk], async (found, name, { client }) => {
    const sts = stsEndpoint(name, await endpointOf(client, name));
    if (sts === undefined) {
      const detail =
        "not asked: the endpoint is not AWS's own, so that of STS is unknown (AWS_ENDPOINT_URL_STS names it)";
      return { detail, value: undefined };
    }
    return callerIdentity(sts, name, found, timeout);
  });
  await checks.step(
    "key",
    [credentials, endpoint, sdk],
    ({ accessKeyId: _id }, _endpoint, { client, DescribeKeyCommand }) =>
      checkKmsKey(async () =>
        translated(() => client.send(new DescribeKeyCommand({ KeyId: String(keyId) }), signal()), asked("DescribeKey")),
      ),
  );
  const publicKey = await checks.step("permission to read the public key", [credentials, endpoint], async () => {
    await signer.getPublicKey();
    return { detail: "kms:GetPublicKey is granted", value: undefined };
  });
  const permission = await checks.step(
    "permission to sign",
    [publicKey, sdk],
    async (_key, { client, SignCommand }) => {
      const command = new SignCommand({
        ...{ KeyId: String(keyId), Message: getBytes(hashMessage(TEST_MESSAGE)), MessageType: "DIGEST" },
        ...{ SigningAlgorithm: "ECDSA_SHA_256", DryRun: true },
      });
      try {
        await translated(() => client.send(command, signal()), asked("Sign"));
        return { detail: "kms:Sign is granted (the server signed, though asked for a dry run)", value: undefined };
      } catch (error) {
        if (!isSignerError(error) || error.info?.["exception"] !== "DryRunOperationException") throw error;
        return { detail: "kms:Sign is granted (dry run)", value: undefined };
      }
    },
  );
  opened.client?.destroy();
  return { publicKey, permission };
}

async function importSdk(): Promise<typeof import("@aws-sdk/client-kms")> {
  try {
    return await import("@aws-sdk/client-kms");
  } catch (cause) {
    const message = "the package @aws-sdk/client-kms cannot be loaded: run npm install @aws-sdk/client-kms";
    throw new SignerError("DEPENDENCY_MISSING", message, { operation: "load", cause });
  }
}

async function endpointOf({ config }: KMSClient, region: string): Promise<string> {
  if (config.endpoint) {
    const { protocol, hostname, port } = await config.endpoint();
    return `${protocol}//${hostname}${port === undefined ? "" : `:${port}`}`;
  }
  const named = process.env["AWS_ENDPOINT_URL_KMS"] || process.env["AWS_ENDPOINT_URL"];
  if (named) return named;
  const [UseFIPS, UseDualStack] = [await config.useFipsEndpoint(), await config.useDualstackEndpoint()];
  return config.endpointProvider({ Region: region, UseFIPS, UseDualStack }).url.href;
}

/** What the SDK throws, with what it means and what to change. */
async function translated<T>(call: () => Promise<T>, asked: Parameters<typeof kmsError>[1]): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw kmsError(error, asked);
  }
}
