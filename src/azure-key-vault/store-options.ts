import type { KeyClient } from "@azure/keyvault-keys";
import { assertArgument } from "ethers";
import type { Verifier } from "../core/verify.ts";
import type { CallOptions } from "../signer/remote-key.ts";
import { checkTimeout } from "../signer/verified-key.ts";
import type { KeyFilter } from "./key-filter.ts";
import { isKeyName } from "./key-url.ts";
import {
  type AzureKeyClient,
  type AzureKeyVaultKeyOptions,
  checkVault,
  checkWho,
  type VaultOptions,
} from "./options.ts";

/** What a store uses of a `KeyClient` of @azure/keyvault-keys. */
export type AzureKeyStoreClient = AzureKeyClient &
  Pick<KeyClient, "listPropertiesOfKeys" | "createEcKey" | "importKey">;

/**
 * Which vault and who asks, as for one key: `vaultUrl` or `vaultName`; `credential`, or `tenantId` with `clientId` and
 * `clientSecret`, or `client`; and whatever else the SDK's `KeyClient` accepts. And which of the vault's keys.
 */
export interface AzureKeyVaultKeyStoreOptions
  extends Omit<AzureKeyVaultKeyOptions, "keyName" | "keyVersion" | "keyId" | "client"> {
  /** A client of your own in place of the vault, the credential and the client's options. It is never closed. */
  readonly client?: AzureKeyStoreClient | undefined;
  /** Only keys with all of these tags, with these values. The case of letters counts. */
  readonly tags?: Readonly<Record<string, string>> | undefined;
  /** Only keys whose names begin with it. The case of letters does not count, as in the vault. */
  readonly namePrefix?: string | undefined;
  /** The most keys that are got at a time: 1 to 50. Default: 10. */
  readonly concurrency?: number | undefined;
  /** Verifies the signature that proves an imported key, in place of `@noble/curves`: see `RemoteSignerOptions.verifier`. */
  readonly verifier?: Verifier | undefined;
}

/** A new key. */
export interface AzureKeyVaultNewKeyOptions extends CallOptions {
  /** 1 to 127 letters, digits and hyphens. */
  readonly name: string;
  /** The key's tags, for everybody to see who may list. Those that the store lists by are added. */
  readonly tags?: Readonly<Record<string, string>> | undefined;
  /**
   * EC-HSM, a key in hardware, which needs a Premium vault or a Managed HSM; EC, in software, otherwise. Default: true in a
   * Managed HSM, which has no others, and false in a vault.
   */
  readonly hardware?: boolean | undefined;
  /**
   * Permits a name that the vault has already: the key gets a new version, which is another account, and the former is no
   * longer listed. Default: false.
   */
  readonly newVersion?: boolean | undefined;
}

/** A private key that moves into the vault. */
export interface AzureKeyVaultImportOptions extends AzureKeyVaultNewKeyOptions {
  /** The address that the private key must have, checked before anything is sent. */
  readonly expectedAddress?: string | undefined;
}

/** The options, checked. */
export interface CheckedStoreOptions extends VaultOptions<AzureKeyStoreClient> {
  readonly filter: KeyFilter;
  readonly concurrency: number;
  readonly verifier: Verifier | undefined;
}

const DEFAULT_CONCURRENCY = 10;
// As many connections as the client opens.
const MAX_CONCURRENCY = 50;

/** @throws ethers' INVALID_ARGUMENT, which never shows a credential. */
export function checkStoreOptions(options: AzureKeyVaultKeyStoreOptions): CheckedStoreOptions {
  const {
    vaultUrl,
    vaultName,
    tags,
    namePrefix,
    concurrency = DEFAULT_CONCURRENCY,
    timeout,
    verifier,
    ...who
  } = options;
  const vault = checkWho<AzureKeyStoreClient>(checkVault({ vaultUrl, vaultName, client: who.client }), who);
  const methods = ["listPropertiesOfKeys", "createEcKey", "importKey"] as const;
  assertArgument(
    who.client === undefined || methods.every((method) => typeof who.client?.[method] === "function"),
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
    Number.isSafeInteger(concurrency) && concurrency >= 1 && concurrency <= MAX_CONCURRENCY,
    `concurrency must be a whole number from 1 to ${MAX_CONCURRENCY}`,
    "concurrency",
    concurrency,
  );
  const filter = { tags: checkTags(tags), namePrefix: namePrefix ?? "" };
  return { ...vault, timeout: checkTimeout(timeout), filter, concurrency, verifier };
}

/** A copy of the tags. @throws ethers' INVALID_ARGUMENT where a value is no text. */
export function checkTags(tags: Readonly<Record<string, string>> = {}): Record<string, string> {
  assertArgument(
    Object.values(tags).every((value) => typeof value === "string"),
    "the tags' values must be text",
    "tags",
    tags,
  );
  return { ...tags };
}
