import type { KeyClient, KeyClientOptions } from "@azure/keyvault-keys";
import { assertArgument } from "ethers";
import {
  checkConcurrency,
  checkNewName,
  checkNewTags,
  checkOnlyClient,
  checkTags,
  isIdentifier,
} from "../backend/checks.ts";
import type { Verifier } from "../core/verify.ts";
import type { CallOptions } from "../signer/remote-key.ts";
import { checkTimeout, type RemoteSignerOptions } from "../signer/verified-key.ts";
import type { CallObserver } from "../telemetry/call-event.ts";
import { checkObserver } from "../telemetry/observe-call.ts";
import { isKeyName, isManagedHsm, type KeyUrl, parseKeyUrl, parseVaultUrl } from "./key-url.ts";

/** A `TokenCredential`: any of @azure/identity, or one of your own. */
export type AzureTokenCredential = ConstructorParameters<typeof KeyClient>[1];

/** What is used of a `KeyClient` of @azure/keyvault-keys. */
export type AzureKeyClient = Pick<KeyClient, "vaultUrl" | "getKey" | "getCryptographyClient"> &
  Partial<Pick<KeyClient, "getKeyAttestation">>;

/** What a store uses of a `KeyClient` of @azure/keyvault-keys. */
export type AzureKeyStoreClient = AzureKeyClient &
  Pick<KeyClient, "listPropertiesOfKeys" | "listPropertiesOfKeyVersions" | "createEcKey" | "importKey">;

type AllOptional<T> = { readonly [Name in keyof T]?: T[Name] | undefined };

/**
 * Which vault, which key, and whose credentials. The vault is `vaultUrl`, `vaultName` or part of `keyId`; the key is `keyName` or part
 * of `keyId`; the credentials are `credential`, or `tenantId` with `clientId` and `clientSecret`, or part of `client`.
 *
 * Any other option of the SDK's `KeyClient` can be passed as well, for example `retryOptions`, `proxyOptions`,
 * `tlsOptions`, `additionalPolicies` or `serviceVersion`. An attempt is given up after a third of `timeout`, so that the SDK retries a
 * request whose connection a network lost.
 */
export interface AzureKeyVaultKeyOptions extends AllOptional<KeyClientOptions> {
  /**
   * `https://NAME.vault.azure.net`, `https://NAME.managedhsm.azure.net`, or the same in a sovereign cloud. The credential's
   * tokens are sent there: treat it as trusted configuration.
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
  /** A client of your own in place of the vault, the credential and the client's options. It keeps its own time limits. */
  readonly client?: AzureKeyClient | undefined;
  /** The longest wait for one call, the SDK's retries included, in milliseconds: 1 to 2,147,483,647. Default: 30,000. */
  readonly timeout?: number | undefined;
}

// Azure's naming rules and restrictions, Microsoft.KeyVault.
const VAULT_NAME = /^[A-Za-z][0-9A-Za-z-]{1,22}[0-9A-Za-z]$/;

/** The options of an `AzureKeyVaultSigner`: of its key, and of every signer. */
export type AzureKeyVaultSignerOptions = AzureKeyVaultKeyOptions & RemoteSignerOptions;

/**
 * Which vault and whose credentials, as for one key: `vaultUrl` or `vaultName`; `credential`, or `tenantId` with `clientId` and
 * `clientSecret`, or `client`; and any other option of the SDK's `KeyClient`. And which of the vault's keys.
 */
export interface AzureKeyVaultStoreOptions
  extends Omit<AzureKeyVaultKeyOptions, "keyName" | "keyVersion" | "keyId" | "client"> {
  /** A client of your own in place of the vault, the credential and the client's options. It keeps its own time limits. */
  readonly client?: AzureKeyStoreClient | undefined;
  /** Only keys with all of these tags, with these values. The case of letters counts. Keys that the store makes get them. */
  readonly tags?: Readonly<Record<string, string>> | undefined;
  /** Only keys whose names begin with it. The case of letters does not count, as in the vault. */
  readonly namePrefix?: string | undefined;
  /**
   * `"current"`: the current version of each key. `"all"`: each version of each key, which is an account of its own; the former ones can
   * still sign unless they are disabled. Default: `"current"`.
   */
  readonly versions?: "current" | "all" | undefined;
  /** The most requests in flight of one listing: 1 to 50. Default: 10. */
  readonly concurrency?: number | undefined;
  /** Verifies the signature that proves an imported key, in place of `@noble/curves`: see `RemoteSignerOptions.verifier`. */
  readonly verifier?: Verifier | undefined;
  /** Watches the store's calls; those of its keys' signers have their own: see `RemoteSignerOptions.observer`. Default: none. */
  readonly observer?: CallObserver | undefined;
}

/** A new key. The signal holds until the request that makes it is sent. */
export interface AzureKeyVaultCreateKeyOptions extends CallOptions {
  /** 1 to 127 letters, digits and hyphens. */
  readonly name: string;
  /** In addition to the store's own tags, which the key gets in any case. All who may list keys can see them. */
  readonly tags?: Readonly<Record<string, string>> | undefined;
  /**
   * EC-HSM, a key in hardware, which needs a Premium vault or a Managed HSM; EC, in software, otherwise. Default: true in a
   * Managed HSM, which has no others, and false in a vault.
   */
  readonly hardware?: boolean | undefined;
  /**
   * Permits a name that the vault has already: the key gets a new version, which is another account, and the former is no
   * longer listed as the current one. Default: false.
   */
  readonly newVersion?: boolean | undefined;
}

/** A private key that moves into the vault. */
export interface AzureKeyVaultImportKeyOptions extends AzureKeyVaultCreateKeyOptions {
  /** The address that the private key must have, checked before anything is sent. */
  readonly expectedAddress?: string | undefined;
}

export interface ClientSecret {
  readonly tenantId: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

/** A client that exists, or what to open one with. */
type Access<C extends AzureKeyClient = AzureKeyClient> =
  | { readonly client: C }
  | { readonly credential: AzureTokenCredential | ClientSecret; readonly clientOptions: KeyClientOptions };

/** Which vault, and whose credentials, checked. It holds them, so it is kept in a private field. */
export interface CheckedVault<C extends AzureKeyClient = AzureKeyClient> {
  readonly vaultUrl: string;
  readonly access: Access<C>;
  readonly timeout: number;
}

export interface CheckedKeyOptions extends CheckedVault {
  readonly key: KeyUrl;
}

/** Which of a vault's keys a store is for. */
export interface KeyFilter {
  readonly tags: Readonly<Record<string, string>>;
  /** Empty for all. */
  readonly namePrefix: string;
}

export interface CheckedStoreOptions extends CheckedVault<AzureKeyStoreClient> {
  readonly filter: KeyFilter;
  readonly versions: "current" | "all";
  readonly concurrency: number;
  readonly verifier: Verifier | undefined;
  readonly observer: CallObserver | undefined;
}

/** What a new key is made of, checked and completed. */
export interface NewKey {
  readonly name: string;
  readonly tags: Record<string, string>;
  readonly hardware: boolean;
  readonly newVersion: boolean;
}

/** @throws ethers' INVALID_ARGUMENT, which never shows a credential. */
export function checkKeyOptions(options: AzureKeyVaultSignerOptions): CheckedKeyOptions {
  const { vaultUrl, vaultName, keyName, keyVersion, keyId, timeout, ...others } = options;
  const { expectedAddress: _, verifier: _1, policy: _2, audit: _3, requireCustody: _4, observer: _5, ...rest } = others;
  const key = checkKey({ vaultUrl, vaultName, keyName, keyVersion, keyId, client: rest.client });
  return { key, ...checkCredentials(key.vaultUrl, rest), timeout: checkTimeout(timeout) };
}

/** @throws ethers' INVALID_ARGUMENT, which never shows a credential. */
export function checkStoreOptions(options: AzureKeyVaultStoreOptions): CheckedStoreOptions {
  const {
    vaultUrl,
    vaultName,
    tags,
    namePrefix,
    versions = "current",
    concurrency,
    timeout,
    verifier,
    observer,
    ...rest
  } = options;
  const { client } = rest;
  const vault = checkCredentials<AzureKeyStoreClient>(checkVault({ vaultUrl, vaultName, client }), rest);
  const methods = ["listPropertiesOfKeys", "listPropertiesOfKeyVersions", "createEcKey", "importKey"] as const;
  assertArgument(
    client === undefined || methods.every((method) => typeof client[method] === "function"),
    "client must be a KeyClient of @azure/keyvault-keys",
    "client",
    "[REDACTED]",
  );
  assertArgument(
    namePrefix === undefined || isKeyName(namePrefix),
    "namePrefix must have 1 to 127 letters, digits and hyphens",
    "namePrefix",
    namePrefix,
  );
  assertArgument(
    versions === "current" || versions === "all",
    'versions must be "current" or "all"',
    "versions",
    versions,
  );
  const filter = { tags: checkTags(tags), namePrefix: namePrefix ?? "" };
  const limits = { concurrency: checkConcurrency(concurrency), timeout: checkTimeout(timeout) };
  return { ...vault, ...limits, filter, versions, verifier, observer: checkObserver(observer) };
}

/** @throws ethers' INVALID_ARGUMENT, also for a key that the store itself would not list. */
export function checkNewKey(options: AzureKeyVaultCreateKeyOptions, { vaultUrl, filter }: CheckedStoreOptions): NewKey {
  const { name, hardware = isManagedHsm(vaultUrl), newVersion = false } = options;
  assertArgument(isKeyName(name), "name must have 1 to 127 letters, digits and hyphens", "name", name);
  // The vault ignores the case of letters.
  checkNewName(name, filter.namePrefix, (text) => text.toLowerCase());
  return { name, tags: checkNewTags(options.tags, filter.tags), hardware, newVersion };
}

/** @throws ethers' INVALID_ARGUMENT, which never shows a credential. */
function checkCredentials<C extends AzureKeyClient>(
  vaultUrl: string,
  given: Credentials<C>,
): Pick<CheckedVault<C>, "vaultUrl" | "access"> {
  const access = checkAccess(given);
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
  // The SDK sends no token to a name that is not the service's own.
  const unverified = "client" in access || access.clientOptions.disableChallengeResourceVerification === true;
  assertArgument(
    unverified || !/\.privatelink\./i.test(new URL(vaultUrl).hostname),
    "name the vault by its own name, https://NAME.vault.azure.net: private DNS resolves it to the private endpoint",
    "vaultUrl",
    vaultUrl,
  );
  return { vaultUrl, access };
}

type VaultNames = Pick<AzureKeyVaultKeyOptions, "vaultUrl" | "vaultName" | "client">;
type KeyOptions = VaultNames & Pick<AzureKeyVaultKeyOptions, "keyName" | "keyVersion" | "keyId">;
type Credentials<C> = Omit<AzureKeyVaultKeyOptions, keyof KeyOptions | "timeout"> & { readonly client?: C | undefined };

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
function checkVault({ vaultUrl, vaultName, client }: VaultNames): string {
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

function checkAccess<C extends AzureKeyClient>(credentials: Credentials<C>): Access<C> {
  const { client, credential, tenantId, clientId, clientSecret, ...rest } = credentials;
  const secret = [tenantId, clientId, clientSecret].find((part) => part !== undefined);
  assertArgument(
    [client, credential, secret].filter((one) => one !== undefined).length === 1,
    "pass one of credential, client, and tenantId with clientId and clientSecret",
    "credential",
    "[REDACTED]",
  );
  if (client !== undefined) {
    checkOnlyClient(client, rest);
    assertArgument(
      typeof client?.getKey === "function" && typeof client.getCryptographyClient === "function",
      "client must be a KeyClient of @azure/keyvault-keys",
      "client",
      "[REDACTED]",
    );
    return { client };
  }
  const given = Object.entries(rest).filter(([, value]) => value !== undefined);
  const clientOptions: KeyClientOptions = Object.fromEntries(given);
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
    isIdentifier(tenantId) && isIdentifier(clientId) && isIdentifier(clientSecret),
    "tenantId, clientId and clientSecret must be strings without white space, all three; trim what was read from a file",
    "clientSecret",
    "[REDACTED]",
  );
  // Else @azure/identity throws an error of its own when it is first used.
  assertArgument(
    /^[\da-z.-]+$/i.test(tenantId),
    "tenantId must be the tenant's id or one of its domains",
    "tenantId",
    tenantId,
  );
  return { credential: { tenantId, clientId, clientSecret }, clientOptions };
}
