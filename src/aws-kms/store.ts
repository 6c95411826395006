import { concurrentMap } from "../accounts/concurrent-map.ts";
import type { KeyStore, ListedKey, StoredKey, StoreHealth } from "../accounts/key-store.ts";
import { invalidResponse } from "../core/errors.ts";
import type { Verifier } from "../core/verify.ts";
import type { CallOptions } from "../signer/remote-key.ts";
import { RemoteSigner } from "../signer/remote-signer.ts";
import { readAliases } from "./aliases.ts";
import { KmsConnection } from "./connection.ts";
import { createKey, nameKey, withCreatedKey } from "./creation.ts";
import { type CheckedCreation, type CreateKmsKeyOptions, checkCreation } from "./creation-options.ts";
import { eventually } from "./eventually.ts";
import { type ImportKmsKeyOptions, importMaterial, requireExpectedAddress } from "./importing.ts";
import { describeFilter, type KeyFilter } from "./key-filter.ts";
import { type FoundKey, KeyInspection, requireArn } from "./key-inspection.ts";
import { KeyMaterial } from "./key-material.ts";
import { KnownKeys } from "./known-keys.ts";
import { pagesOf } from "./pages.ts";
import { readHealth } from "./store-health.ts";
import { checkStoreOptions, type KmsKeyStoreOptions } from "./store-options.ts";
import { StoreRequests } from "./store-requests.ts";

// The most that the API gives: https://docs.aws.amazon.com/kms/latest/APIReference/API_ListKeys.html
const PAGE_SIZE = 1_000;

/**
 * The secp256k1 signing keys of one AWS account in one Region, or those of them that have certain tags or aliases.
 *
 * All keys share the store's one client. To close a key ends that key alone; to close the store ends them all.
 *
 * @example
 * const store = new KmsKeyStore({ region: "eu-west-1", tags: { team: "payments" } });
 * for await (const listed of store.list()) {
 *   if (isStoredKey(listed)) console.log(listed.address, listed.name);
 * }
 */
export class KmsKeyStore implements KeyStore {
  readonly backend = "aws-kms";
  /** The Region, where it was given, and the filter. */
  readonly id: string;
  readonly #filter: KeyFilter;
  readonly #concurrency: number;
  readonly #connection: KmsConnection;
  readonly #requests: StoreRequests;
  readonly #known: KnownKeys;
  readonly #inspection: KeyInspection;
  readonly #verifier: Verifier | undefined;

  /**
   * Does no I/O: the first call loads the SDK.
   *
   * @throws ethers' INVALID_ARGUMENT for options that cannot be right.
   */
  constructor(options: KmsKeyStoreOptions = {}) {
    const { client, config, filter, concurrency, timeout, verifier } = checkStoreOptions(options);
    const region = typeof options.region === "string" ? options.region : "(the SDK's Region)";
    this.id = `${region}${describeFilter(filter)}`;
    this.#filter = filter;
    this.#concurrency = concurrency;
    this.#verifier = verifier;
    this.#connection = new KmsConnection({ client, config, owner: "store" });
    this.#requests = new StoreRequests(this.#connection, timeout);
    this.#known = new KnownKeys(this.#connection);
    this.#inspection = new KeyInspection(this.#requests, this.#known, filter.tags);
  }

  /**
   * The keys that can sign now, as they are found, and those that cannot, with the reason: disabled, to be deleted, without
   * material, or not to be read by these credentials. Keys of other specs and usages, those of AWS's services, and keys that
   * are deleted meanwhile are not part of it.
   *
   * A key whose DescribeKey is refused is reported although it may be of another kind: that is what could not be read. With
   * an `aliasPrefix`, keys without such an alias are left out before anything is asked of them.
   *
   * Needs kms:ListKeys and kms:ListAliases on `*`, kms:DescribeKey and kms:GetPublicKey on the keys, and kms:ListResourceTags
   * where the store has tags. Without kms:ListAliases keys have no name, and an `aliasPrefix` cannot work. It does not ask
   * for kms:Sign: see {@link health}.
   *
   * Costs one DescribeKey for each key that the store has not yet seen to be of another kind, and one GetPublicKey for each
   * signing key that it does not know yet. Few requests are in flight at once, and none but these while the caller works on
   * a key: to leave the loop ends what is under way.
   *
   * @throws SignerError where ListKeys or ListAliases fails, or the credentials do: what came until then is not complete.
   *   The signal's `reason`.
   */
  async *list(options: CallOptions = {}): AsyncGenerator<ListedKey, void, undefined> {
    this.#connection.requireOpen();
    const met = new Set<string>();
    const listing = concurrentMap(
      (signal) => this.#find(met, { signal }),
      (key, signal) => this.#inspection.inspect(key, { signal }),
      { concurrency: this.#concurrency, signal: options.signal },
    );
    for await (const listed of listing) if (listed) yield listed;
    this.#known.keepOnly(met);
  }

  /**
   * A new key, which KMS makes. Its address is known, and it can sign.
   *
   * Needs kms:CreateKey on `*`, with tags also kms:TagResource, kms:GetPublicKey on the key, and with an alias
   * kms:CreateAlias on both. Each key costs money by the month, until it is deleted, which takes at least seven days.
   *
   * It takes no signal, so that no key is lost halfway. An answer to CreateKey that is lost on the way may leave a key
   * behind that nobody knows of, and the SDK's repetition makes another: `maxAttempts: 1` avoids it, tags find it.
   *
   * @throws ethers' INVALID_ARGUMENT; SignerError. Once the key exists the error names it: `info.createdKeyId`.
   */
  async create(options: CreateKmsKeyOptions = {}): Promise<StoredKey> {
    const checked = checkCreation(options, this.#filter);
    const arn = await createKey(this.#requests, checked, "AWS_KMS");
    const advice = `Find its public key later, or have it deleted: aws kms schedule-key-deletion --key-id ${arn}`;
    const stored = await withCreatedKey(arn, advice, () => this.#learn(arn, checked));
    await nameKey(this.#requests, arn, checked.alias);
    return stored;
  }

  /**
   * Moves an existing account into KMS: a new key with this private key as its material, which does not expire, and which
   * can be neither replaced nor exported. It reports success only after the key signed a message, and the signature was
   * verified to be by the account. The alias is created last, so that it never names a key that is not proven.
   *
   * It wipes the buffers that it made. That does not protect the caller's own copy, a string, which JavaScript cannot
   * overwrite, numbers inside the elliptic-curve arithmetic, and what the garbage collector moved. Do it on a machine that
   * may hold the key, and destroy the other copies of it afterwards.
   *
   * Needs what {@link create} needs, kms:GetParametersForImport, kms:ImportKeyMaterial and kms:Sign on the key, and
   * WebCrypto. The key is wrapped by RSAES_OAEP_SHA_256 with KMS's RSA_4096 key: what answers at the endpoint can read it.
   *
   * @param privateKey 32 bytes, which stay the caller's to wipe, or their hex string with 0x.
   * @throws ethers' INVALID_ARGUMENT; SignerError, ADDRESS_MISMATCH included. Once the key exists the error names it:
   *   `info.createdKeyId`. No error holds the private key.
   */
  async importKey(privateKey: Uint8Array | string, options: ImportKmsKeyOptions = {}): Promise<StoredKey> {
    const checked = checkCreation(options, this.#filter);
    const material = new KeyMaterial(privateKey);
    try {
      requireExpectedAddress(material.address, options.expectedAddress);
      const arn = await createKey(this.#requests, checked, "EXTERNAL");
      const advice = `The import is not proven: have the key deleted (aws kms schedule-key-deletion --key-id ${arn}), then import again`;
      const stored = await withCreatedKey(arn, advice, async () => {
        await importMaterial(this.#requests, arn, material);
        material.wipe();
        return this.#prove(await this.#learn(arn, checked), material.address);
      });
      await nameKey(this.#requests, arn, checked.alias);
      return stored;
    } finally {
      material.wipe();
    }
  }

  /**
   * Asks for one entry of ListKeys, and whether Sign would succeed (DryRun) for up to ten of the keys that were listed last;
   * `canSign` is false where it is refused for any of them. A key that is disabled says nothing of the permission.
   *
   * Emulators that do not know DryRun sign a message that says what it is for; the signature is dropped.
   *
   * @throws the signal's `reason` alone: any failure is part of the answer.
   */
  async health(options: CallOptions = {}): Promise<StoreHealth> {
    return readHealth(this.#requests, this.#known.arns(), options);
  }

  /** Waits for the requests in flight, then ends the connections, unless the client is the user's own. Idempotent. */
  async close(): Promise<void> {
    await this.#connection.close();
  }

  async *#find(met: Set<string>, options: CallOptions): AsyncGenerator<FoundKey, void, undefined> {
    const { aliasPrefix } = this.#filter;
    const { names, awsManaged } = await readAliases(this.#requests, aliasPrefix, options);
    const pages = pagesOf("ListKeys", (marker) => this.#requests.listKeys({ Limit: PAGE_SIZE, ...marker }, options));
    for await (const { Keys = [] } of pages) {
      for (const { KeyId: keyId = "", KeyArn } of Keys) {
        const arn = requireArn(KeyArn);
        met.add(arn);
        const name = names.get(keyId);
        if (awsManaged.has(keyId) || (aliasPrefix !== undefined && name === undefined)) continue;
        yield { arn, name };
      }
    }
  }

  /** The public key of a key that has just come to be, so that KMS may not know it everywhere yet. */
  async #learn(arn: string, { alias }: CheckedCreation): Promise<StoredKey> {
    await eventually(() => this.#inspection.learn(arn), ["KEY_NOT_FOUND", "KEY_UNUSABLE"]);
    const stored = this.#known.stored(arn, alias);
    if (!stored) throw invalidResponse(`${arn} is not known, although its public key was read`);
    return stored;
  }

  /** RemoteSigner compares the address, and verifies the signature. */
  async #prove(stored: StoredKey, expectedAddress: string): Promise<StoredKey> {
    const signer = new RemoteSigner(stored.key, null, {
      expectedAddress,
      timeout: this.#requests.timeout,
      verifier: this.#verifier,
    });
    const message = `ethers-hsm proves the import of ${expectedAddress} into ${stored.key.id}`;
    await eventually(() => signer.signMessage(message), ["KEY_NOT_FOUND", "KEY_UNUSABLE"]);
    return stored;
  }
}
