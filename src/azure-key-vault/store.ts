import type { KeyStore, ListedKey, StoredKey, StoreHealth } from "../accounts/key-store.ts";
import { NewNames } from "../backend/creation.ts";
import { withPrivateKey } from "../backend/proof.ts";
import { readStoreHealth } from "../backend/store-health.ts";
import type { CallOptions } from "../signer/remote-key.ts";
import { makeKey } from "./creation.ts";
import { KEY_VAULT } from "./errors.ts";
import { VaultListing } from "./listing.ts";
import {
  type AzureKeyVaultCreateKeyOptions,
  type AzureKeyVaultImportKeyOptions,
  type AzureKeyVaultStoreOptions,
  checkNewKey,
  checkStoreOptions,
} from "./options.ts";

/**
 * The secp256k1 keys (P-256K, or the old SECP256K1) of an Azure Key Vault or a Managed HSM.
 *
 * The store and all keys that it returns share one client and its token. Closing a key ends that key alone;
 * closing the store ends them all.
 *
 * @example
 * const store = new AzureKeyVaultKeyStore({ vaultName: "treasury", credential, tags: { chain: "ethereum" } });
 * for await (const listed of store.list()) {
 *   if (isStoredKey(listed)) console.log(listed.name, listed.address);
 * }
 */
export class AzureKeyVaultKeyStore implements KeyStore {
  readonly backend = "azure-key-vault";
  /** The vault's URL. */
  readonly id: string;
  readonly #listing: VaultListing;
  readonly #names = new NewNames();

  /** Does no I/O. @throws ethers' INVALID_ARGUMENT for options that cannot be right. */
  constructor(options: AzureKeyVaultStoreOptions) {
    this.#listing = new VaultListing(checkStoreOptions(options));
    this.id = this.#listing.options.vaultUrl;
  }

  /**
   * The current version of every secp256k1 key that the store is for, in no order, and each one pinned: a later rotation
   * appears in the next listing, and changes no key of this one. With `versions: "all"` each version is listed, an account each. Keys of
   * other types and curves are not part of it.
   *
   * Needs keys/list and keys/get. Azure's list says of a key neither its type nor its version ("Get Keys" in the REST
   * reference), so each listing gets each key that passes the filters: one request per key, `concurrency` at a time, and no
   * more of them while the caller works on a key. `break` and the signal end the requests that wait for a response.
   *
   * A key that is disabled, outside its dates, may not sign or may not be got is a `FailedKey`: of a disabled key and one
   * that may not be got, the vault does not tell whether it is one of secp256k1.
   *
   * It does not look whether keys/sign is permitted.
   *
   * @throws SignerError if the listing itself fails: ACCESS_DENIED without keys/list; THROTTLED, BACKEND_TIMEOUT or
   *   BACKEND_UNAVAILABLE, also while a key is got, since they concern the vault. The signal's `reason`.
   */
  list(options: CallOptions = {}): AsyncGenerator<ListedKey, void> {
    return this.#listing.list(options);
  }

  /**
   * Makes a key on P-256K that may sign and verify and nothing else ("Create Key" in the REST reference).
   *
   * Needs keys/get and keys/create: the role "Key Vault Crypto Officer"; in a Managed HSM, "Managed HSM Crypto User".
   *
   * The name is looked up before. If two clients make the same name at the same moment, both can succeed: the second is then a
   * new version of the first. After a lost response the SDK may make it twice as well. It signs nothing. `signal` holds until the request
   * is sent.
   *
   * @throws SignerError KEY_EXISTS if the vault has a key of that name, or a deleted one: nothing was made. REQUEST_REJECTED if the vault
   *   does not accept such a key. ethers' INVALID_ARGUMENT for a name or tags that the store would not list.
   */
  async createKey(options: AzureKeyVaultCreateKeyOptions): Promise<StoredKey> {
    const key = checkNewKey(options, this.#listing.options);
    return this.#make("createKey", key.name, () => makeKey(this.#listing, key, undefined, options));
  }

  /**
   * Moves an existing account into the vault ("Import Key" in the REST reference), and proves it: before it returns, the
   * vault has signed a message, and the signature was verified against the address.
   *
   * Needs keys/get, keys/import and keys/sign: the role "Key Vault Crypto Officer"; in a Managed HSM, "Managed HSM Crypto User".
   *
   * The private key goes to the vault inside TLS, without wrapping of its own. The copies made here are overwritten; the
   * caller's are not, nor are those that the SDK makes of the request and the runtime of both, which stay in memory until
   * they are collected. Every other copy of the key is as good as before.
   *
   * It deletes nothing: a key whose proof fails stays in the vault, and the error's `info.createdKeyId` names its version.
   *
   * @param privateKey 32 bytes, big-endian, which stay the caller's to wipe, or their hex string with 0x.
   * @throws SignerError ADDRESS_MISMATCH for another address than `expectedAddress`, before anything is sent; otherwise as
   *   {@link createKey}, and whatever signing throws. No error shows the private key.
   */
  async importKey(privateKey: string | Uint8Array, options: AzureKeyVaultImportKeyOptions): Promise<StoredKey> {
    const key = checkNewKey(options, this.#listing.options);
    return withPrivateKey(privateKey, options.expectedAddress, this.backend, (material) =>
      this.#make("importKey", key.name, () => makeKey(this.#listing, key, material, options)),
    );
  }

  /**
   * Asks for one page of one key. `canSign` is never known: Azure has no request that tries a permission without using it.
   *
   * @throws the signal's `reason` alone: any failure is part of the result.
   */
  async health(options: CallOptions = {}): Promise<StoreHealth> {
    const { calls, client } = this.#listing;
    const list = () =>
      calls.run("health", options, (call) =>
        client.send("list", call, (sdk, own) => sdk.listPropertiesOfKeys(own).byPage({ maxPageSize: 1 }).next()),
      );
    return readStoreHealth(list, KEY_VAULT, options);
  }

  /**
   * Waits for the calls in flight, those of the store's keys included. Later calls of the store and of its keys fail with
   * SIGNER_CLOSED. Connections are the process's: the SDK's pool keeps idle ones, which do not keep the process alive. Idempotent.
   */
  async close(): Promise<void> {
    await this.#listing.calls.close();
    this.#listing.client.close();
  }

  #make(operation: string, name: string, make: () => Promise<StoredKey>): Promise<StoredKey> {
    // The vault ignores the case of letters.
    return this.#names.reserve(name.toLowerCase(), { backend: this.backend, operation }, make);
  }
}
