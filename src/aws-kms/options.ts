import type { KMSClient, KMSClientConfig } from "@aws-sdk/client-kms";
import { assertArgument } from "ethers";
import {
  checkConcurrency,
  checkHeaderText,
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
import { regionOf } from "./response.ts";

type AllOptional<T> = { readonly [Name in keyof T]?: T[Name] | undefined };

/**
 * How KMS is reached. Any other option of the SDK's `KMSClient` can be passed as well, for example `profile`, `maxAttempts`,
 * `retryMode`, `useFipsEndpoint` or `requestHandler`. Default: the SDK's own, from the environment and the shared configuration
 * files; but an attempt without a response is given up after a third of `timeout`, so that the SDK retries a request whose
 * connection a network lost.
 */
export interface KmsClientOptions extends AllOptional<KMSClientConfig> {
  /** Default: the SDK's own. */
  readonly region?: KMSClientConfig["region"] | undefined;
  /** Default: the SDK's own chain of providers. */
  readonly credentials?: KMSClientConfig["credentials"] | undefined;
  /** For a VPC endpoint or an emulator. Default: the Region's public endpoint. */
  readonly endpoint?: KMSClientConfig["endpoint"] | undefined;
  /** A client of your own in place of the options that configure one. It is never closed, and keeps its own time limits. */
  readonly client?: KMSClient | undefined;
  /** The longest wait for one call, the SDK's retries included, in milliseconds: 1 to 2,147,483,647. Default: 30,000. */
  readonly timeout?: number | undefined;
}

/** Which key, and how KMS is reached. */
export interface KmsKeyOptions extends KmsClientOptions {
  /** A key id, key ARN, alias name (`alias/…`) or alias ARN. A key of another account needs its ARN. */
  readonly keyId: string;
  /** Default: the Region of an ARN in `keyId`; else the SDK's own. */
  readonly region?: KMSClientConfig["region"] | undefined;
  /** Tokens of grants that are too new to be in effect everywhere; they are sent with every request. */
  readonly grantTokens?: readonly string[] | undefined;
}

/** The options of a `KmsSigner`: of its key, and of every signer. */
export interface KmsSignerOptions extends KmsKeyOptions, RemoteSignerOptions {
  /**
   * The Regions with replicas of a Multi-Region key, in order of preference. If KMS fails in the key's own Region, the next one signs: see
   * `FailoverKey`. Needs `expectedAddress`, and a `keyId` that is a key id or key ARN that begins with `mrk-`, or an alias that each
   * Region has.
   */
  readonly replicas?: readonly string[] | undefined;
}

/** Which keys of an account and Region are the store's, and how KMS is reached. */
export interface KmsStoreOptions extends KmsClientOptions {
  /** Only the keys that have all these tags, with just these values. Keys that the store makes get them. */
  readonly tags?: Readonly<Record<string, string>> | undefined;
  /** Only the keys that have an alias which begins like this, for example `alias/payments-`. */
  readonly namePrefix?: string | undefined;
  /** The most requests in flight of one listing: 1 to 50. Default: 10. */
  readonly concurrency?: number | undefined;
  /** Verifies the signature that proves an imported key, in place of `@noble/curves`: see `RemoteSignerOptions.verifier`. */
  readonly verifier?: Verifier | undefined;
  /** Watches the store's calls; those of its keys' signers have their own: see `RemoteSignerOptions.observer`. Default: none. */
  readonly observer?: CallObserver | undefined;
}

/** A new key. Its spec and usage are always ECC_SECG_P256K1 and SIGN_VERIFY. The signal holds until CreateKey is sent. */
export interface KmsCreateKeyOptions extends CallOptions {
  /** Its alias, for example `alias/treasury`; with a store's `namePrefix` it must begin like that. Default: none. */
  readonly name?: string | undefined;
  /** In addition to the store's own tags, which the key gets in any case. */
  readonly tags?: Readonly<Record<string, string>> | undefined;
  /** The key's description in KMS: up to 8,192 characters, visible to all who may describe the key. */
  readonly description?: string | undefined;
  /** A Multi-Region primary key, whose replicas in other Regions are the same account. It can never be changed. */
  readonly multiRegion?: boolean | undefined;
  /** The key policy, as JSON. Default: KMS's own, which leaves the decision to the account's IAM policies. */
  readonly policy?: string | undefined;
}

export interface KmsImportKeyOptions extends KmsCreateKeyOptions {
  /** The address that the private key must have, checked before anything is made: ADDRESS_MISMATCH otherwise. */
  readonly expectedAddress?: string | undefined;
}

/** How a client is made, checked. It holds credentials, so it is kept in private fields. */
export interface CheckedClientOptions {
  readonly client: KMSClient | undefined;
  readonly config: KMSClientConfig;
  readonly timeout: number;
}

export interface CheckedKeyOptions extends CheckedClientOptions {
  readonly keyId: string;
  readonly grantTokens: readonly string[] | undefined;
}

/** Which of an account's keys belong to a store. */
export interface KeyFilter {
  readonly tags: Readonly<Record<string, string>>;
  readonly namePrefix: string | undefined;
}

export interface CheckedStoreOptions extends CheckedClientOptions {
  readonly filter: KeyFilter;
  readonly concurrency: number;
  readonly verifier: Verifier | undefined;
  readonly observer: CallObserver | undefined;
}

/** What a new key is made of, checked and completed. */
export interface NewKey extends Omit<KmsCreateKeyOptions, "signal"> {
  readonly tags: Readonly<Record<string, string>>;
}

/** @throws ethers' INVALID_ARGUMENT, which shows neither credentials nor grant tokens. */
export function checkKeyOptions(options: KmsKeyOptions & RemoteSignerOptions): CheckedKeyOptions {
  const { keyId, grantTokens, expectedAddress: _, verifier: _1, policy: _2, audit: _3, ...others } = options;
  const { requireCustody: _4, observer: _5, ...rest } = others;
  // 2048 is the API's own limit: https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html
  assertArgument(
    isIdentifier(keyId) && keyId.length <= 2048,
    "keyId must be a key id, a key ARN, an alias (alias/…) or an alias ARN, without white space",
    "keyId",
    keyId,
  );
  assertArgument(
    grantTokens === undefined || (Array.isArray(grantTokens) && grantTokens.every(isIdentifier)),
    "grantTokens must be an array of strings without white space",
    "grantTokens",
    "[REDACTED]",
  );
  const checked = checkClientOptions(rest);
  const region = regionOf(keyId);
  const config = region === undefined || checked.client ? checked.config : { region, ...checked.config };
  return { ...checked, config, keyId, grantTokens: grantTokens && [...grantTokens] };
}

/** @throws ethers' INVALID_ARGUMENT, which shows no credentials. */
export function checkStoreOptions(options: KmsStoreOptions): CheckedStoreOptions {
  const { tags, namePrefix, concurrency, verifier, observer, ...rest } = options;
  assertArgument(
    namePrefix === undefined || (isIdentifier(namePrefix) && namePrefix.startsWith("alias/")),
    "namePrefix must begin with alias/",
    "namePrefix",
    namePrefix,
  );
  const filter = { tags: checkTags(tags), namePrefix };
  const watched = { verifier, observer: checkObserver(observer) };
  return { ...checkClientOptions(rest), filter, concurrency: checkConcurrency(concurrency), ...watched };
}

// https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html
const ALIAS = /^alias\/(?!aws\/)[\w:/-]+$/;
const MAX_ALIAS_LENGTH = 256;

/** @throws ethers' INVALID_ARGUMENT, also for a key that the store itself would not list. */
export function checkNewKey(options: KmsCreateKeyOptions, filter: KeyFilter): NewKey {
  const { name, tags, description, multiRegion, policy } = options;
  assertArgument(
    name === undefined || (typeof name === "string" && ALIAS.test(name) && name.length <= MAX_ALIAS_LENGTH),
    "name must begin with alias/, not with alias/aws/, and continue with letters, digits, and : / _ -",
    "name",
    name,
  );
  checkNewName(name, filter.namePrefix);
  return { name, tags: checkNewTags(tags, filter.tags), description, multiRegion, policy };
}

function checkClientOptions({ client, timeout: given, ...rest }: KmsClientOptions): CheckedClientOptions {
  const timeout = checkTimeout(given);
  const options = Object.entries(rest).filter(([, value]) => value !== undefined);
  assertArgument(
    client === undefined || typeof client.send === "function",
    "client must be a KMSClient",
    "client",
    "[REDACTED]",
  );
  checkOnlyClient(client, rest);
  const { endpoint, region, credentials } = rest;
  assertArgument(
    typeof endpoint !== "string" || (/^https?:/i.test(endpoint) && URL.canParse(endpoint)),
    "endpoint must be a URL, for example https://kms.eu-west-1.amazonaws.com",
    "endpoint",
    "[REDACTED]",
  );
  // A Region becomes part of a host name.
  assertArgument(
    region === undefined || typeof region === "function" || /^[a-z\d-]+$/i.test(region),
    "region must be the name of a Region, for example eu-west-1",
    "region",
    region,
  );
  if (typeof credentials === "object" && credentials !== null) {
    checkHeaderText(credentials.accessKeyId, "credentials.accessKeyId");
    checkHeaderText(credentials.secretAccessKey, "credentials.secretAccessKey");
    checkHeaderText(credentials.sessionToken, "credentials.sessionToken");
  }
  return { client, timeout, config: Object.fromEntries(options) };
}
