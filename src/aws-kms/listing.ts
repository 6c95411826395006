import type { DescribeKeyCommandOutput } from "@aws-sdk/client-kms";
import { concurrentMap } from "../accounts/concurrent-map.ts";
import type { ListedKey, StoredKey } from "../accounts/key-store.ts";
import { type Call, Calls } from "../backend/calls.ts";
import { invalidResponse, isSignerError, SignerError } from "../core/errors.ts";
import { addressFromPublicKey } from "../core/public-key.ts";
import type { CallOptions } from "../signer/remote-key.ts";
import type { KmsClient, Requests } from "./client.ts";
import { KMS } from "./errors.ts";
import { storeKey } from "./key.ts";
import type { CheckedStoreOptions } from "./options.ts";
import { decodeResponse, type PublishedKey, requireKeyArn, requireUsableKey } from "./response.ts";

const BACKEND = "aws-kms";

// The most that the API returns: https://docs.aws.amazon.com/kms/latest/APIReference/API_ListKeys.html, API_ListAliases.html,
// API_ListResourceTags.html
const KEYS_PER_PAGE = 1_000;
const ALIASES_PER_PAGE = 100;
const TAGS_PER_PAGE = 50;

interface FoundKey {
  readonly arn: string;
  readonly name: string | undefined;
}

interface Account {
  readonly published: PublishedKey;
  readonly address: string;
}

/**
 * A store's requests, and what never changes of a key, by key ARN: that it is not for Ethereum, or its public key. Spec and usage are fixed for
 * a key's life, and so is the material of an asymmetric key, imported material included: only the same can be imported again.
 * https://docs.aws.amazon.com/kms/latest/developerguide/importing-keys-conceptual.html
 */
export class KmsListing {
  readonly options: CheckedStoreOptions;
  readonly client: KmsClient;
  readonly calls: Calls;
  readonly #known = new Map<string, Account | "other">();

  constructor(options: CheckedStoreOptions, client: KmsClient, id: string) {
    this.options = options;
    this.client = client;
    this.calls = new Calls({
      backend: BACKEND,
      what: "store",
      id,
      timeout: options.timeout,
      observer: options.observer,
    });
  }

  /** @throws SignerError if ListKeys or ListAliases fails, or the credentials do; the signal's reason. */
  async *list({ signal }: CallOptions): AsyncGenerator<ListedKey, void, undefined> {
    this.calls.requireOpen("list");
    const met = new Set<string>();
    const listing = concurrentMap(
      (inner) => this.#find(met, { signal: inner }),
      (key, inner) => this.#inspect(key, { signal: inner }),
      { concurrency: this.options.concurrency, signal },
    );
    for await (const listed of listing) if (listed) yield listed;
    // What a complete listing did not meet is forgotten.
    for (const arn of this.#known.keys()) if (!met.has(arn)) this.#known.delete(arn);
  }

  /** The key that an alias names; undefined if there is no such alias, or these credentials may not look. */
  async findAlias(name: string, options: CallOptions): Promise<string | undefined> {
    try {
      for await (const { Aliases = [] } of this.#pages("ListAliases", { Limit: ALIASES_PER_PAGE }, options)) {
        const alias = Aliases.find(({ AliasName }) => AliasName === name);
        if (alias) return alias.TargetKeyId ?? "a key that is not named";
      }
    } catch (error) {
      if (!isSignerError(error, "ACCESS_DENIED") || error.info?.["source"] !== KMS) throw error;
    }
    return undefined;
  }

  /** A key object for each caller, who may close it; undefined if the public key is not known. */
  stored(arn: string, name: string | undefined): StoredKey | undefined {
    const fact = this.#known.get(arn);
    if (fact === undefined || fact === "other") return undefined;
    const { client, calls } = this;
    const key = storeKey({ client, calls, timeout: this.options.timeout, published: fact.published });
    return { key, address: fact.address, name };
  }

  /** The ARNs of up to `count` keys whose public key is known. */
  knownArns(count: number): string[] {
    return [...this.#known].flatMap(([arn, fact]) => (fact === "other" ? [] : [arn])).slice(0, count);
  }

  /** Fetches the public key and remembers it. Needs kms:GetPublicKey. */
  async learn(arn: string, call: Call): Promise<void> {
    const response = await this.client.send("GetPublicKey", { KeyId: arn }, call);
    const published = decodeResponse(response, "GetPublicKey", () => requireUsableKey(response, arn));
    // Under the ARN of the listing: an emulator may respond with the key id alone.
    this.#known.set(arn, { published: { ...published, arn }, address: addressFromPublicKey(published.publicKey) });
  }

  async *#find(met: Set<string>, options: CallOptions): AsyncGenerator<FoundKey, void, undefined> {
    const { namePrefix } = this.options.filter;
    const { names, awsManaged } = await this.#readAliases(options);
    for await (const { Keys = [] } of this.#pages("ListKeys", { Limit: KEYS_PER_PAGE }, options)) {
      for (const { KeyId: keyId = "", KeyArn: arn } of Keys) {
        if (typeof arn !== "string" || arn === "") {
          throw invalidResponse("ListKeys' response has an entry without a key ARN; it is not complete", {
            backend: BACKEND,
            operation: "list",
          });
        }
        met.add(arn);
        const name = names.get(keyId);
        if (!awsManaged.has(keyId) && (namePrefix === undefined || name !== undefined)) yield { arn, name };
      }
    }
  }

  /** All aliases, once for all keys. If that is forbidden keys have no names, unless a prefix makes names decide. */
  async #readAliases(options: CallOptions) {
    const { namePrefix } = this.options.filter;
    // By key id: the alias that is first in the alphabet, of those with the prefix.
    const names = new Map<string, string>();
    // Keys that AWS made for its services: their aliases begin with `alias/aws/`.
    const awsManaged = new Set<string>();
    try {
      for await (const { Aliases = [] } of this.#pages("ListAliases", { Limit: ALIASES_PER_PAGE }, options)) {
        for (const { AliasName: name, TargetKeyId: keyId } of Aliases) {
          if (name === undefined || keyId === undefined) continue;
          if (name.startsWith("alias/aws/")) awsManaged.add(keyId);
          else if (name.startsWith(namePrefix ?? "") && name < (names.get(keyId) ?? "~")) names.set(keyId, name);
        }
      }
    } catch (error) {
      if (namePrefix !== undefined || !isSignerError(error, "ACCESS_DENIED") || error.info?.["source"] !== KMS)
        throw error;
    }
    return { names, awsManaged };
  }

  /**
   * The key, or why it cannot be used; undefined if it does not belong to the store, or was deleted in the meantime.
   *
   * @throws only what is not a fault of the key: the signal's reason, SIGNER_CLOSED, what is wrong with the credentials.
   */
  async #inspect({ arn, name }: FoundKey, options: CallOptions): Promise<ListedKey | undefined> {
    try {
      return await this.#look(arn, name, options);
    } catch (error) {
      if (options.signal?.aborted || !isSignerError(error) || isOfTheStore(error)) throw error;
      if (error.code === "KEY_NOT_FOUND") return undefined;
      return { id: arn, name, error: error.withContext({ backend: BACKEND, keyId: arn, operation: "list" }) };
    }
  }

  async #look(arn: string, name: string | undefined, options: CallOptions): Promise<ListedKey | undefined> {
    if (this.#known.get(arn) === "other") return undefined;
    const run = <T>(task: (call: Call) => Promise<T>) => this.calls.run("list", { ...options, keyId: arn }, task);
    const condition = await this.#condition(arn, run);
    if (condition === "other") {
      this.#known.set(arn, "other");
      return undefined;
    }
    // Before any failure: it concerns the store only if the key is the store's.
    if (!(await this.#hasTags(arn, options))) return undefined;
    if (condition !== "usable") throw condition;
    if (!this.#known.has(arn)) await run((call) => this.learn(arn, call));
    return this.stored(arn, name);
  }

  async #condition(arn: string, run: <T>(task: (call: Call) => Promise<T>) => Promise<T>): Promise<KeyCondition> {
    try {
      const response = await run((call) => this.client.send("DescribeKey", { KeyId: arn }, call));
      return decodeResponse(response, "list", () => conditionOf(response, arn));
    } catch (error) {
      if (!isSignerError(error) || error.code === "KEY_NOT_FOUND") throw error;
      return error;
    }
  }

  async #hasTags(arn: string, options: CallOptions): Promise<boolean> {
    const wanted = Object.entries(this.options.filter.tags);
    if (wanted.length === 0) return true;
    const found = new Map<string | undefined, string | undefined>();
    for await (const { Tags = [] } of this.#pages("ListResourceTags", { KeyId: arn, Limit: TAGS_PER_PAGE }, options)) {
      for (const { TagKey, TagValue } of Tags) found.set(TagKey, TagValue);
    }
    return wanted.every(([name, value]) => found.get(name) === value);
  }

  /**
   * Every page of a listing. A page may be short, and even empty: only `Truncated` says that there are more.
   *
   * @throws SignerError BACKEND_RESPONSE_INVALID if it does not say how to go on, or would never end.
   */
  async *#pages<Name extends "ListKeys" | "ListAliases" | "ListResourceTags">(
    name: Name,
    input: Requests[Name][0],
    options: CallOptions,
  ): AsyncGenerator<Requests[Name][1], void, undefined> {
    const keyId = "KeyId" in input ? input.KeyId : undefined;
    let marker: string | undefined;
    for (;;) {
      const paged = marker === undefined ? input : { ...input, Marker: marker };
      const page = await this.calls.run("list", { ...options, keyId }, (call) => this.client.send(name, paged, call));
      yield page;
      if (page.Truncated !== true) return;
      const { NextMarker: next } = page;
      if (next === undefined || next === "" || next === marker) {
        throw invalidResponse(
          `${name} has more pages, but does not say where they begin; the listing is not complete`,
          {
            backend: BACKEND,
            operation: "list",
          },
        );
      }
      marker = next;
    }
  }
}

/** Whether every other key would fail alike until something is changed: no key may look gone because of it. */
function isOfTheStore({ code, retryable, requestId, info }: SignerError): boolean {
  if (code === "SIGNER_CLOSED" || code === "DEPENDENCY_MISSING") return true;
  // Other denials are of credentials: unknown, expired, absent.
  if (code === "ACCESS_DENIED") {
    return info?.["source"] !== KMS || !/^AccessDenied(Exception)?$/.test(String(info?.["errorCode"]));
  }
  return code === "BACKEND_UNAVAILABLE" && !retryable && requestId === undefined;
}

/** Can sign now; or is not a key for Ethereum at all; or is one, but cannot sign, with the reason. */
type KeyCondition = "usable" | "other" | SignerError;

// https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html: a Multi-Region key signs while its primary Region is
// being changed.
const SIGNING: ReadonlySet<string> = new Set(["Enabled", "Updating"]);

const HINTS: Readonly<Record<string, string>> = {
  Disabled: "enable it (kms:EnableKey)",
  PendingDeletion: "cancel its deletion (kms:CancelKeyDeletion), or let it go",
  PendingReplicaDeletion: "cancel its deletion (kms:CancelKeyDeletion), or let it go",
  PendingImport: "import its material (kms:ImportKeyMaterial), or schedule its deletion (kms:ScheduleKeyDeletion)",
  Creating: "wait until KMS has made the replica",
};

/** @throws SignerError BACKEND_RESPONSE_INVALID if DescribeKey's response does not say it. */
function conditionOf({ KeyMetadata: key }: DescribeKeyCommandOutput, requested: string): KeyCondition {
  const arn = requireKeyArn(key?.Arn ?? key?.KeyId, requested);
  // The older name of the same field is all that some emulators send.
  const spec = key?.KeySpec ?? key?.CustomerMasterKeySpec;
  if (spec === undefined || key?.KeyUsage === undefined || key.KeyState === undefined) {
    throw invalidResponse(`DescribeKey's response for ${arn} lacks KeySpec, KeyUsage or KeyState`);
  }
  if (spec !== "ECC_SECG_P256K1" || key.KeyUsage !== "SIGN_VERIFY" || key.KeyManager === "AWS") return "other";
  if (SIGNING.has(key.KeyState)) return "usable";
  return new SignerError(
    "KEY_UNUSABLE",
    `the key ${arn} cannot sign, since its KeyState is ${key.KeyState}: ${HINTS[key.KeyState] ?? "see its page in the console"}`,
    { retryable: key.KeyState === "Creating", info: { keyState: key.KeyState } },
  );
}
