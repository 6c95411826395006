import { isSignerError } from "../../core/errors.ts";
import { GcpKmsClient } from "../../gcp-kms/client.ts";
import { credentialError } from "../../gcp-kms/credential-errors.ts";
import type { GcpKmsCredential, GcpKmsKeyOptions } from "../../gcp-kms/index.ts";
import { checkKeyOptions } from "../../gcp-kms/options.ts";
import { type Message, readAlgorithm, readLevel, readVersionState } from "../../gcp-kms/response.ts";
import { AUDIENCE, loadCredential } from "../../gcp-kms/rest.ts";
import type { CheckContext, SigningChecks } from "./check-context.ts";
import type { CheckResult } from "./checks.ts";
import { checkEndpoint } from "./endpoint.ts";
import { named } from "./packages.ts";

export async function checkGcpKms({ checks, signer, options, timeout }: CheckContext): Promise<SigningChecks> {
  const checked = checkKeyOptions(options as unknown as GcpKmsKeyOptions);
  const credentials = await checks.step("credentials", [], () => checkCredential(checked.auth, checked.keyVersion));
  const endpoint = await checks.step("endpoint and TLS", [], () => checkEndpoint(checked.endpoint, timeout));
  const publicKey = await checks.step("permission to read the key", [credentials, endpoint], async () => {
    await signer.getPublicKey();
    return { detail: "cloudkms.cryptoKeyVersions.viewPublicKey is granted", value: undefined };
  });
  await checks.step("key", [credentials, endpoint], () =>
    describeKey(checked.keyVersion, new GcpKmsClient(checked), timeout),
  );
  const permission = await checks.step("permission to sign", [publicKey], async () => {
    const { error } = await signer.health();
    if (error) throw error;
    return { detail: "cloudkms.cryptoKeyVersions.useToSign is granted", value: undefined };
  });
  return { publicKey, permission };
}

/** Whose the credentials are, as far as they say it. */
async function checkCredential(own: GcpKmsCredential | undefined, keyId: string): Promise<CheckResult<undefined>> {
  const context = { backend: "gcp-kms", keyId, operation: "doctor", request: "getRequestHeaders", resource: keyId };
  try {
    if (own) {
      await own.getRequestHeaders(AUDIENCE);
      return { detail: "an access token was issued", value: undefined };
    }
    const auth = await loadCredential(keyId);
    await auth.getRequestHeaders(AUDIENCE);
    const { client_email: email } = await auth.getCredentials().catch(() => ({ client_email: undefined }));
    const whose = email ?? "an access token that does not say whose it is";
    return {
      detail: `${whose}, by ${named("google-auth-library")}`,
      facts: { email: email ?? null },
      value: undefined,
    };
  } catch (error) {
    throw credentialError(error, context);
  }
}

/** The version by GetCryptoKeyVersion, which signing does not need: a refusal is not a failure. */
async function describeKey(name: string, client: GcpKmsClient, timeout: number): Promise<CheckResult<undefined>> {
  const context = { backend: "gcp-kms", keyId: name, operation: "doctor" };
  const call = {
    signal: AbortSignal.timeout(timeout),
    endsAt: performance.now() + timeout,
    context,
    nameWaiting: () => {},
  };
  let version: Message;
  try {
    version = await client.send("getCryptoKeyVersion", { name }, call, (message) => message);
  } catch (error) {
    if (!isSignerError(error, "ACCESS_DENIED") || error.info?.["errorCode"] !== "PERMISSION_DENIED") throw error;
    const detail = "not described: cloudkms.cryptoKeyVersions.get is not granted, which signing does not need";
    return { detail, value: undefined };
  }
  const facts = {
    algorithm: readAlgorithm(version["algorithm"]) ?? null,
    protectionLevel: readLevel(version["protectionLevel"]) ?? null,
    state: readVersionState(version["state"]) ?? null,
    imported: typeof version["importJob"] === "string" && version["importJob"] !== "",
  };
  const { algorithm, protectionLevel, state, imported } = facts;
  const detail = [name, algorithm, protectionLevel, state, ...(imported ? ["imported"] : [])].join(", ");
  return { detail, facts, value: undefined };
}
