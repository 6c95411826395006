import type { KeyClient, KeyVaultKey } from "@azure/keyvault-keys";
import { importKeyVaultKeys } from "../../azure-key-vault/client.ts";
import { credentialError } from "../../azure-key-vault/credential-errors.ts";
import type { AzureTokenCredential } from "../../azure-key-vault/index.ts";
import type { CheckContext, SigningChecks } from "./check-context.ts";
import type { CheckResult } from "./checks.ts";
import { checkEndpoint } from "./endpoint.ts";
import { named } from "./packages.ts";
import { claimsOf, scopeOf } from "./token-claims.ts";

export async function checkAzureKeyVault({ checks, signer, options, timeout }: CheckContext): Promise<SigningChecks> {
  const { keyName, keyVersion, credential, timeout: _timeout, vaultUrl, ...clientOptions } = options;
  const tokens = credential as AzureTokenCredential;
  const vault = String(vaultUrl);
  const sdk = await checks.step("SDK", [], async () => {
    const { KeyClient } = await importKeyVaultKeys();
    const detail = [named("@azure/keyvault-keys"), named("@azure/identity")].join(", ");
    return { detail, value: new KeyClient(vault, tokens, clientOptions) };
  });
  const credentials = await checks.step("credentials", [], async () => {
    const token = await requestToken(tokens, vault, timeout);
    const { text, facts } = claimsOf(token);
    return { detail: text, facts, value: undefined };
  });
  const endpoint = await checks.step("endpoint and TLS", [], () => checkEndpoint(vault, timeout));
  const publicKey = await checks.step("permission to read the key", [credentials, endpoint], async () => {
    await signer.getPublicKey();
    return { detail: "keys/get is granted", value: undefined };
  });
  await checks.step("key", [publicKey, sdk], async (_key, client) => {
    const version = keyVersion === undefined ? {} : { version: String(keyVersion) };
    const abortSignal = AbortSignal.timeout(timeout);
    const key = await client.getKey(String(keyName), { ...version, abortSignal });
    const warning = (await rotates(client, String(keyName), abortSignal)) ? ROTATES : undefined;
    return { ...describe(key), warning };
  });
  // There is no dry run: that keys/sign is granted shows at the signature.
  return { publicKey, permission: publicKey };
}

async function requestToken(credential: AzureTokenCredential, vaultUrl: string, timeout: number): Promise<string> {
  try {
    const abortSignal = AbortSignal.timeout(timeout);
    // DefaultAzureCredential throws where it has no token.
    const { token } = (await credential.getToken(scopeOf(vaultUrl), { abortSignal })) as { readonly token: string };
    return token;
  } catch (error) {
    throw credentialError(error);
  }
}

const ROTATES =
  "a rotation policy makes new versions of this key, each another account: remove its action Rotate (az keyvault key " +
  "rotation-policy update), and pass keyVersion or expectedAddress";

/** Signing does not need the policy: if it may not be read, nothing is said of it. */
async function rotates(client: KeyClient, keyName: string, abortSignal: AbortSignal): Promise<boolean> {
  try {
    const { lifetimeActions = [] } = await client.getKeyRotationPolicy(keyName, { abortSignal });
    return lifetimeActions.some(({ action }) => action === "Rotate");
  } catch {
    return false;
  }
}

/** Reading its public key proves that it may sign. */
function describe(key: KeyVaultKey): CheckResult<undefined> {
  const { id, keyType, keyOperations, properties } = key;
  const { enabled, notBefore, expiresOn, version } = properties;
  const until = expiresOn === undefined ? "" : `, until ${expiresOn.toISOString()}`;
  const curve = key.key?.crv;
  const detail = `${id}, ${keyType}, ${curve}, for ${keyOperations?.join(" and ")}${until}`;
  const facts = { id, version, keyType, curve, keyOperations, enabled };
  const dates = { notBefore: notBefore?.toISOString() ?? null, expires: expiresOn?.toISOString() ?? null };
  return { detail, facts: { ...facts, ...dates }, value: undefined };
}
