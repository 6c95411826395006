import type { KeyClient, KeyClientOptions } from "@azure/keyvault-keys";
import { assertArgument } from "ethers";
import { checkTimeout, type RemoteSignerOptions } from "../signer/verified-key.ts";
import { isKeyName, type KeyUrl, parseKeyUrl, parseVaultUrl } from "./key-url.ts";

/** A `TokenCredential`: any of @azure/identity, or one of your own. */
export type AzureTokenCredential = ConstructorParameters<typeof KeyClient>[1];

/** What is used of a `KeyClient` of @azure/keyvault-keys. */
export type AzureKeyClient = Pick<KeyClient, "vaultUrl" | "getKey" | "getCryptographyClient">;

type AllOptional<T> = { readonly [Name in keyof T]?: T[Name] | undefined };

/**
 * Which vault, which key, and who asks. The vault is `vaultUrl`, `vaultName` or part of `keyId`; the key is `keyName` or part
 * of `keyId`; who asks is `credential`, or `tenantId` with `clientId` and `clientSecret`, or part of `client`.
 *
 * Everything that the SDK's `KeyClient` accepts may stand here as well, for example `retryOptions`, `proxyOptions`,
 * `tlsOptions`, `additionalPolicies` or `serviceVersion`.
 */
export interface AzureKeyVaultKeyOptions extends AllOptional<KeyClientOptions> {
  /**
   * `https://NAME.vault.azure.net`, `https://NAME.managedhsm.azure.net`, or the same in a sovereign cloud. The credential's
   * tokens go there: never take it from somebody who must not have them.
   */
  readonly vaultUrl?: string | undefined;
  /** The short form of `vaultUrl` for a vault in the public cloud. */
  readonly vaultName?: string | undefined;
  /** The key's name in the vault. */
  readonly keyName?: string | undefined;
  /**
   * The key's version: 32 hexadecimal digits. Without it, the version that is current at the first call is pinned for the
   * life of the signer, whatever the key is rotated to. Each version is another account.
   */
  readonly keyVersion?: string | undefined;
  /** The key's full URL, with or without a version, in place of the vault, `keyName` and `keyVersion`. */
  readonly keyId?: string | undefined;
  /** Gives the tokens: any of `@azure/identity`, or your own. */
  readonly credential?: AzureTokenCredential | undefined;
  /** The Entra tenant of a service principal, with `clientId` and `clientSecret`. Needs @azure/identity. */
  readonly tenantId?: string | undefined;
  /** The application (client) id of a service principal; with `tenantId` and `clientSecret`. */
  readonly clientId?: string | undefined;
  /** The secret of that service principal. */
  readonly clientSecret?: string | undefined;
  /** A client of your own in place of the vault, the credential and the client's options. It is never closed. */
  readonly client?: AzureKeyClient | undefined;
  /** The longest wait for one call, in milliseconds: 1 to 2,147,483,647. Default: 30,000. */
  readonly timeout?: number | undefined;
}

// Azure's naming rules and restrictions, Microsoft.KeyVault.
const VAULT_NAME = /^[A-Za-z][0-9A-Za-z-]{1,22}[0-9A-Za-z]$/;

/** The options of an `AzureKeyVaultSigner`: of its key, and of every signer. */
export type AzureKeyVaultSignerOptions = AzureKeyVaultKeyOptions & RemoteSignerOptions;

export interface ClientSecret {
  readonly tenantId: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

/** Who asks: a client that exists, or what to open one with. */
export type Access<C extends AzureKeyClient = AzureKeyClient> =
  | { readonly client: C }
  | { readonly credential: AzureTokenCredential | ClientSecret; readonly clientOptions: KeyClientOptions };

/** Which vault, and who asks, checked. It holds credentials, so it is kept in a private field. */
export interface VaultOptions<C extends AzureKeyClient = AzureKeyClient> {
  readonly vaultUrl: string;
  readonly access: Access<C>;
  readonly timeout: number;
}

/** The options, checked. */
export interface CheckedOptions extends VaultOptions {
  readonly key: KeyUrl;
}

/** @throws ethers' INVALID_ARGUMENT, which never shows a credential. */
export function checkOptions(options: AzureKeyVaultSignerOptions): CheckedOptions {
  const { vaultUrl, vaultName, keyName, keyVersion, keyId, timeout, expectedAddress: _address, ...who } = options;
  const key = checkKey({ vaultUrl, vaultName, keyName, keyVersion, keyId, client: who.client });
  return { key, ...checkWho(key.vaultUrl, who), timeout: checkTimeout(timeout) };
}

/** Who asks that vault. @throws ethers' INVALID_ARGUMENT, which never shows a credential. */
export function checkWho<C extends AzureKeyClient>(
  vaultUrl: string,
  who: Who<C>,
): Pick<VaultOptions<C>, "vaultUrl" | "access"> {
  const access = checkAccess(who);
  // A client is bound to one vault: a key of another would silently be looked up there.
  assertArgument(
    !("client" in access) || parseVaultUrl(access.client.vaultUrl) === vaultUrl,
    "client must be a KeyClient of @azure/keyvault-keys, of the same vault",
    "client",
    "[REDACTED]",
  );
  const insecure = "client" in access || access.clientOptions.allowInsecureConnection === true;
  assertArgument(
    insecure || vaultUrl.startsWith("https:"),
    "the vault's URL must begin with https:// (allowInsecureConnection permits http://, for tests on this machine)",
    "vaultUrl",
    vaultUrl,
  );
  return { vaultUrl, access };
}

type VaultNames = Pick<AzureKeyVaultKeyOptions, "vaultUrl" | "vaultName" | "client">;
type KeyOptions = VaultNames & Pick<AzureKeyVaultKeyOptions, "keyName" | "keyVersion" | "keyId">;
type Who<C> = Omit<AzureKeyVaultKeyOptions, keyof KeyOptions | "timeout"> & { readonly client?: C | undefined };

function checkKey(options: KeyOptions): KeyUrl {
  const { vaultUrl, vaultName, keyName, keyVersion, keyId } = options;
  const key = keyId === undefined ? checkParts(options) : parseKeyUrl(keyId);
  assertArgument(
    key,
    "keyId must be a URL such as https://NAME.vault.azure.net/keys/KEY/VERSION",
    "keyId",
    "[REDACTED]",
  );
  assertArgument(
    keyId === undefined || [vaultUrl, vaultName, keyName, keyVersion].every((part) => part === undefined),
    "keyId already names the vault and the key: drop vaultUrl, vaultName, keyName and keyVersion",
    "keyId",
    keyId,
  );
  return key;
}

function checkParts({ keyName, keyVersion, ...where }: KeyOptions): KeyUrl {
  const vaultUrl = checkVault(where);
  assertArgument(isKeyName(keyName), "keyName must have 1 to 127 letters, digits and hyphens", "keyName", keyName);
  assertArgument(
    keyVersion === undefined || isKeyName(keyVersion),
    "keyVersion must be the version's identifier, 32 hexadecimal digits",
    "keyVersion",
    keyVersion,
  );
  return { vaultUrl, name: keyName, version: keyVersion };
}

/** The vault's URL: scheme, host and port. @throws ethers' INVALID_ARGUMENT. */
export function checkVault({ vaultUrl, vaultName, client }: VaultNames): string {
  assertArgument(
    vaultName === undefined || (vaultUrl === undefined && VAULT_NAME.test(vaultName)),
    "vaultName must have 3 to 24 letters, digits and hyphens, and stands in place of vaultUrl",
    "vaultName",
    vaultName,
  );
  const vault = parseVaultUrl(vaultName === undefined ? (vaultUrl ?? client?.vaultUrl) : publicVault(vaultName));
  assertArgument(
    vault,
    "name the vault by vaultUrl (https://NAME.vault.azure.net, without a path), vaultName or keyId",
    "vaultUrl",
    "[REDACTED]",
  );
  return vault;
}

function publicVault(vaultName: string): string {
  return `https://${vaultName}.vault.azure.net`;
}

function checkAccess<C extends AzureKeyClient>(who: Who<C>): Access<C> {
  const { client, credential, tenantId, clientId, clientSecret, ...rest } = who;
  const secret = [tenantId, clientId, clientSecret].find((part) => part !== undefined);
  assertArgument(
    [client, credential, secret].filter((way) => way !== undefined).length === 1,
    "pass one of credential, client, and tenantId with clientId and clientSecret",
    "credential",
    "[REDACTED]",
  );
  const given = Object.entries(rest).filter(([, value]) => value !== undefined);
  const clientOptions: KeyClientOptions = Object.fromEntries(given);
  if (client !== undefined) {
    assertArgument(
      given.length === 0,
      `client brings its own options: pass either client or ${given.map(([name]) => name).join(", ")}`,
      "client",
      "[REDACTED]",
    );
    assertArgument(
      typeof client?.getKey === "function" && typeof client.getCryptographyClient === "function",
      "client must be a KeyClient of @azure/keyvault-keys",
      "client",
      "[REDACTED]",
    );
    return { client };
  }
  if (credential !== undefined) {
    assertArgument(
      typeof credential?.getToken === "function",
      "credential must be a TokenCredential, for example of @azure/identity",
      "credential",
      "[REDACTED]",
    );
    return { credential, clientOptions };
  }
  assertArgument(
    isText(tenantId) && isText(clientId) && isText(clientSecret),
    "tenantId, clientId and clientSecret must be text, all three",
    "clientSecret",
    "[REDACTED]",
  );
  return { credential: { tenantId, clientId, clientSecret }, clientOptions };
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value.length > 0;
}
