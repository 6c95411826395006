import type { KeyStore, ListedKey, StoredKey, StoreHealth } from "../accounts/key-store.ts";
import { NewNames } from "../backend/creation.ts";
import { withPrivateKey } from "../backend/proof.ts";
import { addKeysHealth, readStoreHealth } from "../backend/store-health.ts";
import { requireWebCrypto } from "../backend/wrapping.ts";
import type { CallOptions } from "../signer/remote-key.ts";
import { GcpKmsClient } from "./client.ts";
import { makeKey } from "./creation.ts";
import { CLOUD_KMS } from "./errors.ts";
import { GcpKmsListing } from "./listing.ts";
import {
  checkNewKey,
  checkStoreOptions,
  type GcpKmsCreateKeyOptions,
  type GcpKmsImportKeyOptions,
  type GcpKmsStoreOptions,
} from "./options.ts";

// Of so many keys health() asks.
const HEALTH_SAMPLE = 10;

/**
 * The secp256k1 key versions of a location or of one key ring in Google Cloud KMS.
 *
 * All keys share the store's one client. Closing a key ends that key alone; closing the store ends them all.
 *
 * @example
 * const store = new GcpKmsKeyStore({ parent: "projects/acme/locations/europe-west1" });
 * for await (const listed of store.list()) {
 *   if (isStoredKey(listed)) console.log(listed.address, listed.key.id);
 * }
 */
export class GcpKmsKeyStore implements KeyStore {
  readonly backend = "gcp-kms";
  /** The `parent`, and the filter. */
  readonly id: string;
  readonly #listing: GcpKmsListing;
  readonly #names = new NewNames();

  /** Does no I/O. @throws ethers' INVALID_ARGUMENT for options that cannot be right. */
  constructor(options: GcpKmsStoreOptions) {
    const checked = checkStoreOptions(options);
    const { parent, namePrefix, tags } = checked;
    const parts = Object.entries(tags).map(([name, value]) => ` ${name}=${value}`);
    this.id = `${parent}${namePrefix === "" ? "" : ` ${namePrefix}*`}${parts.join("")}`;
    this.#listing = new GcpKmsListing(checked, new GcpKmsClient(checked));
  }

  /**
   * The key versions that can sign now, as they are found, and those that cannot, with the reason: disabled, scheduled for destruction, still
   * being made, or not to be read by these credentials. Each version is an account of its own; `name` is the key's id, the key's `id` has the
   * version. Versions of other algorithms, destroyed ones, and keys that are not in an HSM are not part of it.
   *
   * Needs cloudkms.cryptoKeys.list and cloudkms.cryptoKeyVersions.list, for a location also cloudkms.keyRings.list (role
   * roles/cloudkms.viewer), and cloudkms.cryptoKeyVersions.viewPublicKey. It does not need the permission to sign: see {@link health}.
   *
   * Costs one request for each page of keys, one for each signing key in an HSM, and one for each version that the store does not know yet.
   *
   * @throws SignerError if a listing of rings or keys fails, or the credentials do: what came until then is not complete. The signal's `reason`.
   */
  list(options: CallOptions = {}): AsyncGenerator<ListedKey, void, undefined> {
    return this.#listing.list(options);
  }

  /**
   * A new key, whose first version an HSM makes. Its address is known, and it can sign.
   *
   * Needs cloudkms.cryptoKeys.create on the key ring, and cloudkms.cryptoKeyVersions.get and .viewPublicKey on the key. A version costs money
   * until it is destroyed; the key's name can never be used for another key. `signal` holds until the key is being made.
   *
   * @throws SignerError KEY_EXISTS if the name is taken: nothing was made. ethers' INVALID_ARGUMENT; other SignerErrors. Once the key exists the
   *   error names it: `info.createdKeyId`.
   */
  async createKey(options: GcpKmsCreateKeyOptions): Promise<StoredKey> {
    const key = checkNewKey(options, this.#listing.options);
    return this.#make("createKey", `${key.ring}/${key.name}`, () => makeKey(this.#listing, key, undefined, options));
  }

  /**
   * Moves an existing account into Cloud KMS: a new key at protection level HSM that accepts imported versions only, with this private key as
   * version 1. It reports success only after the key signed a message, and the signature was verified to be by the account.
   *
   * It wipes the buffers that it made. That does not protect the caller's own copy, a string, which JavaScript cannot overwrite, numbers inside
   * the elliptic-curve arithmetic, and what the garbage collector moved. Do it on a machine that may hold the key, and destroy the other copies
   * of it afterwards.
   *
   * Needs what {@link createKey} needs, cloudkms.importJobs.create, .get and .useToImport, cloudkms.cryptoKeyVersions.create and .useToSign, and
   * WebCrypto. The key is wrapped by RSAES-OAEP with SHA-256 for an import job of 4096 bits: what answers at the endpoint can read it.
   *
   * @param privateKey 32 bytes, which stay the caller's to wipe, or their hex string with 0x.
   * @throws as {@link createKey}; SignerError ADDRESS_MISMATCH. No error holds the private key.
   */
  async importKey(privateKey: Uint8Array | string, options: GcpKmsImportKeyOptions): Promise<StoredKey> {
    const key = checkNewKey(options, this.#listing.options);
    requireWebCrypto();
    return withPrivateKey(privateKey, options.expectedAddress, this.backend, (material) =>
      this.#make("importKey", `${key.ring}/${key.name}`, () => makeKey(this.#listing, key, material, options)),
    );
  }

  /**
   * Asks for one entry of the listing, and for the health of up to ten of the keys that were listed last; `canSign` is false if the permission
   * to sign is missing for any of them. A key that is disabled says nothing of the permission. It signs nothing.
   *
   * @throws the signal's `reason` alone: any other failure is part of the result.
   */
  async health(options: CallOptions = {}): Promise<StoreHealth> {
    const { calls } = this.#listing;
    const list = () => calls.run("health", options, (call) => this.#listing.probe(call));
    const health = await readStoreHealth(list, CLOUD_KMS, options);
    if (!health.reachable) return health;
    return addKeysHealth(health, this.#listing.knownKeys(HEALTH_SAMPLE), options);
  }

  /** Waits for the requests in flight. The connections are the platform's, or the caller's client's. Idempotent. */
  async close(): Promise<void> {
    await this.#listing.calls.close();
  }

  #make(operation: string, name: string, make: () => Promise<StoredKey>): Promise<StoredKey> {
    return this.#names.reserve(name, { backend: this.backend, operation }, make);
  }
}
