import type { ListedKey } from "../accounts/key-store.ts";
import { invalidResponse, isSignerError, type SignerError } from "../core/errors.ts";
import type { CallOptions } from "../signer/remote-key.ts";
import { decodeAnswer, requireUsableKey } from "./answer.ts";
import { conditionOf, type KeyCondition } from "./key-state.ts";
import type { KnownKeys } from "./known-keys.ts";
import { pagesOf } from "./pages.ts";
import type { StoreRequests } from "./store-requests.ts";

/** A key as ListKeys and ListAliases tell of it. */
export interface FoundKey {
  readonly arn: string;
  readonly name: string | undefined;
}

// The most that the API gives: https://docs.aws.amazon.com/kms/latest/APIReference/API_ListResourceTags.html
const TAG_PAGE_SIZE = 50;

/** Finds out what a key is, with as few requests as what is known of it allows. */
export class KeyInspection {
  readonly #requests: StoreRequests;
  readonly #known: KnownKeys;
  readonly #tags: readonly (readonly [name: string, value: string])[];

  constructor(requests: StoreRequests, known: KnownKeys, tags: Readonly<Record<string, string>>) {
    this.#requests = requests;
    this.#known = known;
    this.#tags = Object.entries(tags);
  }

  /**
   * The key, or why it cannot be used; undefined where it does not belong to the store, or was deleted in the meantime.
   *
   * @throws only what is no fault of the key: the signal's reason, SIGNER_CLOSED, what is wrong with the credentials.
   */
  async inspect({ arn, name }: FoundKey, options: CallOptions): Promise<ListedKey | undefined> {
    try {
      return await this.#inspect(arn, name, options);
    } catch (error) {
      if (options.signal?.aborted || !isSignerError(error) || isOfTheStore(error)) throw error;
      if (error.code === "KEY_NOT_FOUND") return undefined;
      return { id: arn, name, error: error.withContext({ backend: "aws-kms", keyId: arn }) };
    }
  }

  /** Fetches the public key and remembers it. Needs kms:GetPublicKey. */
  async learn(arn: string, options: CallOptions = {}): Promise<void> {
    const answer = await this.#requests.getPublicKey(arn, options);
    const published = decodeAnswer(answer, "GetPublicKey", () => requireUsableKey(answer, arn));
    // Under the ARN of the listing: an emulator may answer with the key id alone.
    this.#known.add({ ...published, arn });
  }

  async #inspect(arn: string, name: string | undefined, options: CallOptions): Promise<ListedKey | undefined> {
    if (this.#known.isOther(arn)) return undefined;
    const condition = await this.#condition(arn, options);
    if (condition === "other") {
      this.#known.addOther(arn);
      return undefined;
    }
    // Before any failure: it is the store's business only where the key is the store's.
    if (!(await this.#hasTags(arn, options))) return undefined;
    if (condition !== "usable") throw condition;
    if (!this.#known.stored(arn, name)) await this.learn(arn, options);
    return this.#known.stored(arn, name);
  }

  async #condition(arn: string, options: CallOptions): Promise<KeyCondition> {
    try {
      const answer = await this.#requests.describeKey(arn, options);
      return decodeAnswer(answer, "DescribeKey", () => conditionOf(answer, arn));
    } catch (error) {
      if (!isSignerError(error) || error.code === "KEY_NOT_FOUND") throw error;
      return error;
    }
  }

  async #hasTags(arn: string, options: CallOptions): Promise<boolean> {
    if (this.#tags.length === 0) return true;
    const found = new Map<string | undefined, string | undefined>();
    const pages = pagesOf("ListResourceTags", (marker) =>
      this.#requests.listResourceTags({ KeyId: arn, Limit: TAG_PAGE_SIZE, ...marker }, options),
    );
    for await (const { Tags = [] } of pages) for (const { TagKey, TagValue } of Tags) found.set(TagKey, TagValue);
    return this.#tags.every(([name, value]) => found.get(name) === value);
  }
}

/** Whether every other key would fail alike, now and until somebody mends it: no key may look gone because of it. */
function isOfTheStore({ code, retryable, requestId, info }: SignerError): boolean {
  if (code === "SIGNER_CLOSED" || code === "DEPENDENCY_MISSING") return true;
  // Other denials are of credentials: unknown, expired, absent.
  if (code === "ACCESS_DENIED") return !/^AccessDenied(Exception)?$/.test(String(info?.["exception"]));
  return code === "BACKEND_UNAVAILABLE" && !retryable && requestId === undefined;
}

/** @throws SignerError BACKEND_RESPONSE_INVALID where ListKeys' entry names no key. */
export function requireArn(arn: string | undefined): string {
  if (typeof arn === "string" && arn !== "") return arn;
  throw invalidResponse("ListKeys' answer names no key ARN; what came is not complete", {
    backend: "aws-kms",
    operation: "ListKeys",
  });
}
