import { KmsClient } from "../../aws-kms/client.ts";
import type { KmsKeyOptions } from "../../aws-kms/index.ts";
import { checkKeyOptions } from "../../aws-kms/options.ts";
import { Calls } from "../../backend/calls.ts";
import type { CheckContext, SigningChecks } from "./check-context.ts";
import { checkEndpoint } from "./endpoint.ts";
import { checkKmsKey } from "./kms-key.ts";
import { named } from "./packages.ts";

type SdkClient = Parameters<Parameters<KmsClient["inspect"]>[2]>[0];

export async function checkAwsKms({ checks, signer, options, timeout }: CheckContext): Promise<SigningChecks> {
  const checked = checkKeyOptions({ ...(options as unknown as KmsKeyOptions), timeout });
  const { keyId: id } = checked;
  const client = new KmsClient(checked);
  const calls = new Calls({ backend: signer.backend, what: "store", id, timeout });
  const inspect = <T>(name: string, look: (sdk: SdkClient) => Promise<T>) =>
    calls.run("doctor", { keyId: id }, (call) => client.inspect(name, call, look));

  const sdk = await checks.step("SDK", [], async () => {
    await inspect("configuration", async () => undefined);
    return { detail: named("@aws-sdk/client-kms"), value: undefined };
  });
  const region = await checks.step("Region", [sdk], async () => {
    const name = await inspect("configuration", ({ config }) => config.region());
    return { detail: name, facts: { region: name }, value: name };
  });
  const credentials = await checks.step("credentials", [sdk], async () => {
    const { accessKeyId, expiration, accountId } = await inspect("credentials", ({ config }) => config.credentials());
    const shown = `${accessKeyId.slice(0, 4)}…${accessKeyId.slice(-4)}`;
    const account = accountId === undefined ? "" : ` of account ${accountId}`;
    const until = expiration === undefined ? "" : `, until ${expiration.toISOString()}`;
    const facts = { accessKeyId: shown, accountId: accountId ?? null, expires: expiration?.toISOString() ?? null };
    return { detail: `access key ${shown}${account}${until}`, facts, value: undefined };
  });
  const endpoint = await checks.step("endpoint and TLS", [region], async (name) =>
    checkEndpoint(await inspect("configuration", (opened) => endpointOf(opened, name)), timeout),
  );
  await checks.step("key", [credentials, endpoint], () =>
    checkKmsKey(() => calls.run("doctor", { keyId: id }, (call) => client.send("DescribeKey", { KeyId: id }, call))),
  );
  const publicKey = await checks.step("permission to read the public key", [credentials, endpoint], async () => {
    await signer.getPublicKey();
    return { detail: "kms:GetPublicKey is granted", value: undefined };
  });
  const permission = await checks.step("permission to sign", [publicKey], async () => {
    const { error } = await signer.health();
    if (error) throw error;
    return { detail: "kms:Sign is granted (dry run)", value: undefined };
  });
  await client.close();
  return { publicKey, permission };
}

async function endpointOf({ config }: SdkClient, region: string): Promise<string> {
  if (config.endpoint) {
    const { protocol, hostname, port } = await config.endpoint();
    return `${protocol}//${hostname}${port === undefined ? "" : `:${port}`}`;
  }
  const given = process.env["AWS_ENDPOINT_URL_KMS"] || process.env["AWS_ENDPOINT_URL"];
  if (given) return given;
  const [UseFIPS, UseDualStack] = [await config.useFipsEndpoint(), await config.useDualstackEndpoint()];
  return config.endpointProvider({ Region: region, UseFIPS, UseDualStack }).url.href;
}
