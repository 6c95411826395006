import { assertArgument } from "ethers";
import type { KeyFilter } from "./key-filter.ts";
import { checkTags } from "./store-options.ts";

/** What a new key is to be. Spec and usage are given: ECC_SECG_P256K1, SIGN_VERIFY. */
export interface CreateKmsKeyOptions {
  /** With `alias/`, for example `alias/treasury`; with a store's `aliasPrefix` it must begin like that. Default: none. */
  readonly alias?: string | undefined;
  /** Besides the tags that the store looks for, which the key gets in any case. */
  readonly tags?: Readonly<Record<string, string>> | undefined;
  /** The key's description in KMS: up to 8,192 characters, shown to whoever may describe the key. */
  readonly description?: string | undefined;
  /** A Multi-Region primary key, whose replicas in other Regions are the same account. It can never be changed. */
  readonly multiRegion?: boolean | undefined;
  /** The key policy, as JSON. Default: KMS's own, by which the account's IAM policies decide. */
  readonly policy?: string | undefined;
}

/** The options, checked and completed. */
export interface CheckedCreation extends CreateKmsKeyOptions {
  readonly tags: Readonly<Record<string, string>>;
}

// https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html
const ALIAS = /^alias\/(?!aws\/)[\w:/-]+$/;
const MAX_ALIAS_LENGTH = 256;

/** @throws ethers' INVALID_ARGUMENT, also for a key that the store itself would not find. */
export function checkCreation(options: CreateKmsKeyOptions, filter: KeyFilter): CheckedCreation {
  const { alias, tags = {}, description, multiRegion, policy } = options;
  assertArgument(
    alias === undefined || (typeof alias === "string" && ALIAS.test(alias) && alias.length <= MAX_ALIAS_LENGTH),
    "alias must begin with alias/, not with alias/aws/, and go on with letters, digits, and : / _ -",
    "alias",
    alias,
  );
  const { aliasPrefix = "" } = filter;
  assertArgument(
    (alias ?? "").startsWith(aliasPrefix),
    `alias must begin with the store's aliasPrefix, ${aliasPrefix}: the store would not find the key`,
    "alias",
    alias,
  );
  checkTags(tags);
  for (const [name, value] of Object.entries(filter.tags)) {
    const other = tags[name] !== undefined && tags[name] !== value;
    assertArgument(
      !other,
      `the tag ${name} must be the store's, ${value}: the store would not find the key`,
      "tags",
      tags,
    );
  }
  return { alias, tags: { ...tags, ...filter.tags }, description, multiRegion, policy };
}
