import type { KeyStore, ListedKey, StoredKey, StoreHealth } from "../accounts/key-store.ts";
import { NewNames } from "../backend/creation.ts";
import { withPrivateKey } from "../backend/proof.ts";
import { addKeysHealth, readStoreHealth } from "../backend/store-health.ts";
import { requireWebCrypto } from "../backend/wrapping.ts";
import type { CallOptions } from "../signer/remote-key.ts";
import { KmsClient } from "./client.ts";
import { makeKey } from "./creation.ts";
import { KMS } from "./errors.ts";
import { KmsListing } from "./listing.ts";
import {
  checkNewKey,
  checkStoreOptions,
  type KeyFilter,
  type KmsCreateKeyOptions,
  type KmsImportKeyOptions,
  type KmsStoreOptions,
} from "./options.ts";

// Of so many keys health() asks: each DryRun counts in the quota of signatures.
const HEALTH_SAMPLE = 10;

/**
 * The secp256k1 signing keys of one AWS account in one Region, or those of them that have certain tags or aliases.
 *
 * All keys share the store's one client. Closing a key ends that key alone; closing the store ends them all.
 *
 * @example
 * const store = new KmsKeyStore({ region: "eu-west-1", tags: { team: "payments" } });
 * for await (const listed of store.list()) {
 *   if (isStoredKey(listed)) console.log(listed.address, listed.name);
 * }
 */
export class KmsKeyStore implements KeyStore {
  readonly backend = "aws-kms";
  /** The Region, if it was given, and the filter. */
  readonly id: string;
  readonly #listing: KmsListing;
  readonly #names = new NewNames();

  /**
   * Does no I/O: the first call loads the SDK.
   *
   * @throws ethers' INVALID_ARGUMENT for options that cannot be right.
   */
  constructor(options: KmsStoreOptions = {}) {
    const checked = checkStoreOptions(options);
    const region = typeof options.region === "string" ? options.region : "(the SDK's Region)";
    this.id = `${region}${describeFilter(checked.filter)}`;
    this.#listing = new KmsListing(checked, new KmsClient(checked), this.id);
  }

  /**
   * The keys that can sign now, as they are found, and those that cannot, with the reason: disabled, to be deleted, without
   * material, or not to be read by these credentials. Keys of other specs and usages, those of AWS's services, and keys that
   * are deleted meanwhile are not part of it.
   *
   * A key whose DescribeKey is refused is reported although it may be of another kind: that is what could not be read. With
   * a `namePrefix`, keys without such an alias are left out before any request about them.
   *
   * Needs kms:ListKeys and kms:ListAliases on `*`, kms:DescribeKey and kms:GetPublicKey on the keys, and kms:ListResourceTags
   * if the store has tags. Without kms:ListAliases keys have no name, and a `namePrefix` cannot work. It does not need
   * kms:Sign: see {@link health}.
   *
   * Costs one DescribeKey for each key that the store has not yet seen to be of another kind, and one GetPublicKey for each
   * signing key that it does not know yet. At most `concurrency` requests are in flight, and no more while the caller works on
   * a key: leaving the loop ends what is under way.
   *
   * @throws SignerError if ListKeys or ListAliases fails, or the credentials do: what came until then is not complete.
   *   The signal's `reason`.
   */
  list(options: CallOptions = {}): AsyncGenerator<ListedKey, void, undefined> {
    return this.#listing.list(options);
  }

  /**
   * A new key, which KMS makes. Its address is known, and it can sign.
   *
   * Needs kms:CreateKey on `*`, with tags also kms:TagResource, kms:GetPublicKey on the key, and with a name kms:CreateAlias on both and
   * kms:ListAliases on `*`, by which it is looked up before anything is made. Each key costs money by the month, until it is deleted,
   * which takes at least seven days.
   *
   * `signal` holds until CreateKey is sent. If the response to CreateKey is lost, a key may remain that is not known here, and the
   * SDK's retry after an error makes another: `maxAttempts: 1` avoids it, tags find it.
   *
   * @throws SignerError KEY_EXISTS if the alias exists: nothing was made. ethers' INVALID_ARGUMENT; other SignerErrors. Once the key exists
   *   the error names it: `info.createdKeyId`.
   */
  async createKey(options: KmsCreateKeyOptions = {}): Promise<StoredKey> {
    const key = checkNewKey(options, this.#listing.options.filter);
    return this.#make("createKey", key.name, () => makeKey(this.#listing, key, undefined, options));
  }

  /**
   * Moves an existing account into KMS: a new key with this private key as its material, which does not expire, and which
   * can be neither replaced nor exported. It reports success only after the key signed a message, and the signature was
   * verified to be by the account. The alias is made last, so that it never names a key that is not proven.
   *
   * It wipes the buffers that it made. That does not protect the caller's own copy, a string, which JavaScript cannot
   * overwrite, numbers inside the elliptic-curve arithmetic, and what the garbage collector moved. Do it on a machine that
   * may hold the key, and destroy the other copies of it afterwards.
   *
   * Needs what {@link createKey} needs, kms:GetParametersForImport, kms:ImportKeyMaterial and kms:Sign on the key, and
   * WebCrypto. The key is wrapped by RSAES_OAEP_SHA_256 with KMS's RSA_4096 key: what answers at the endpoint can read it.
   *
   * @param privateKey 32 bytes, which stay the caller's to wipe, or their hex string with 0x.
   * @throws as {@link createKey}; SignerError ADDRESS_MISMATCH. No error holds the private key.
   */
  async importKey(privateKey: Uint8Array | string, options: KmsImportKeyOptions = {}): Promise<StoredKey> {
    const key = checkNewKey(options, this.#listing.options.filter);
    requireWebCrypto();
    return withPrivateKey(privateKey, options.expectedAddress, this.backend, (material) =>
      this.#make("importKey", key.name, () => makeKey(this.#listing, key, material, options)),
    );
  }

  /**
   * Asks for one entry of ListKeys, and whether Sign would succeed (DryRun) for up to ten of the keys that were listed last;
   * `canSign` is false if it is refused for any of them. A key that is disabled says nothing of the permission.
   *
   * @throws the signal's `reason` alone: any failure is part of the result.
   */
  async health(options: CallOptions = {}): Promise<StoreHealth> {
    const { calls, client } = this.#listing;
    const list = () => calls.run("health", options, (call) => client.send("ListKeys", { Limit: 1 }, call));
    const health = await readStoreHealth(list, KMS, options);
    if (!health.reachable) return health;
    const keys = this.#listing.knownArns(HEALTH_SAMPLE).map((arn) => this.#listing.stored(arn, undefined)?.key);
    return addKeysHealth(health, keys, options);
  }

  /** Waits for the requests in flight, then ends the connections, unless the client is the caller's own. Idempotent. */
  async close(): Promise<void> {
    await this.#listing.calls.close();
    await this.#listing.client.close();
  }

  #make(operation: string, name: string | undefined, make: () => Promise<StoredKey>): Promise<StoredKey> {
    return this.#names.reserve(name, { backend: this.backend, operation }, make);
  }
}

/** The filter as people read it, for the store's `id`. */
function describeFilter({ tags, namePrefix }: KeyFilter): string {
  const parts = Object.entries(tags).map(([name, value]) => ` ${name}=${value}`);
  return `${namePrefix === undefined ? "" : ` ${namePrefix}*`}${parts.join("")}`;
}
