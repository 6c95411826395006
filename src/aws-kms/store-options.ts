import { assertArgument } from "ethers";
import type { Verifier } from "../core/verify.ts";
import { checkTimeout } from "../signer/verified-key.ts";
import { type CheckedClientOptions, checkClientOptions, type KmsClientOptions } from "./client-options.ts";
import type { KeyFilter } from "./key-filter.ts";

/** Which keys of an account and Region are the store's, and how KMS is reached. */
export interface KmsKeyStoreOptions extends KmsClientOptions {
  /** Only the keys that have all these tags, with just these values. Keys that the store creates get them. */
  readonly tags?: Readonly<Record<string, string>> | undefined;
  /** Only the keys that have an alias which begins like this, for example `alias/payments-`. */
  readonly aliasPrefix?: string | undefined;
  /** The most requests in flight of one listing: 1 to 50. Default: 10. */
  readonly concurrency?: number | undefined;
  /** The longest wait for one request, the SDK's own repetitions included, in milliseconds. Default: 30,000. */
  readonly timeout?: number | undefined;
  /** Verifies the signature that proves an imported key, in place of `@noble/curves`: see `RemoteSignerOptions.verifier`. */
  readonly verifier?: Verifier | undefined;
}

/** The options, checked. It holds credentials, so it is kept in a private field. */
export interface CheckedStoreOptions extends CheckedClientOptions {
  readonly filter: KeyFilter;
  readonly concurrency: number;
  readonly timeout: number;
  readonly verifier: Verifier | undefined;
}

const DEFAULT_CONCURRENCY = 10;
// The SDK's own limit of connections: https://docs.aws.amazon.com/sdk-for-javascript/v3/developer-guide/node-configuring-maxsockets.html
const MAX_CONCURRENCY = 50;

/** @throws ethers' INVALID_ARGUMENT, which shows no credentials. */
export function checkStoreOptions(options: KmsKeyStoreOptions): CheckedStoreOptions {
  const { tags = {}, aliasPrefix, concurrency = DEFAULT_CONCURRENCY, timeout, verifier, ...rest } = options;
  checkTags(tags);
  assertArgument(
    aliasPrefix === undefined || (typeof aliasPrefix === "string" && aliasPrefix.startsWith("alias/")),
    "aliasPrefix must begin with alias/",
    "aliasPrefix",
    aliasPrefix,
  );
  assertArgument(
    Number.isSafeInteger(concurrency) && concurrency >= 1 && concurrency <= MAX_CONCURRENCY,
    `concurrency must be a whole number from 1 to ${MAX_CONCURRENCY}`,
    "concurrency",
    concurrency,
  );
  return {
    ...checkClientOptions(rest),
    filter: { tags: { ...tags }, aliasPrefix },
    concurrency,
    timeout: checkTimeout(timeout),
    verifier,
  };
}

/** @throws ethers' INVALID_ARGUMENT. */
export function checkTags(tags: unknown): asserts tags is Readonly<Record<string, string>> {
  assertArgument(
    typeof tags === "object" &&
      tags !== null &&
      !Array.isArray(tags) &&
      Object.values(tags).every((value) => typeof value === "string"),
    "tags must be an object of text, for example { team: 'payments' }",
    "tags",
    tags,
  );
}
