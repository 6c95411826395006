import type { KeyStore, ListedKey, StoredKey, StoreHealth } from "../accounts/key-store.ts";
import type { CallOptions } from "../signer/remote-key.ts";
import { createKey, importPrivateKey } from "./key-creation.ts";
import { listKeys, readHealth } from "./key-listing.ts";
import {
  type AzureKeyVaultImportOptions,
  type AzureKeyVaultKeyStoreOptions,
  type AzureKeyVaultNewKeyOptions,
  checkStoreOptions,
} from "./store-options.ts";
import { StoreSession } from "./store-session.ts";

/**
 * The secp256k1 keys (P-256K, or the old SECP256K1) of an Azure Key Vault or a Managed HSM.
 *
 * The store and all keys that it gives share one client, its token and its connections. Closing a key closes that key alone;
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
  readonly #session: StoreSession;

  /** Does no I/O. @throws ethers' INVALID_ARGUMENT for options that cannot be right. */
  constructor(options: AzureKeyVaultKeyStoreOptions) {
    this.#session = new StoreSession(checkStoreOptions(options));
    this.id = this.#session.options.vaultUrl;
  }

  /**
   * The current version of every secp256k1 key that the store is for, in no order, and each one pinned: a later rotation
   * shows in the next listing, and changes no key of this one. Keys of other types and curves, and older versions, are left
   * out.
   *
   * Needs keys/list and keys/get. Azure's list says of a key neither its type nor its version ("Get Keys" in the REST
   * reference), so each listing gets each key that passes the filters: one request per key, `concurrency` at a time, and no
   * more of them while the consumer does not ask. `break` and the signal end the requests that wait for an answer.
   *
   * A key that is disabled, outside its dates, may not sign or may not be got is a `FailedKey`: of a disabled key and one
   * that may not be got, the vault does not tell whether it is one of secp256k1.
   *
   * It does not look whether keys/sign is permitted.
   *
   * @throws SignerError where the listing itself fails: ACCESS_DENIED without keys/list; THROTTLED, BACKEND_TIMEOUT or
   *   BACKEND_UNAVAILABLE, also while a key is got, since they concern the vault. The signal's `reason` where it aborts.
   */
  list(options: CallOptions = {}): AsyncGenerator<ListedKey, void> {
    return listKeys(this.#session, options);
  }

  /**
   * Creates a key on P-256K that may sign and verify and nothing else ("Create Key" in the REST reference).
   *
   * Needs keys/get and keys/create: the role "Key Vault Crypto Officer"; in a Managed HSM, "Managed HSM Crypto User".
   *
   * The name is looked up before. Where two create the same name at the same moment, both can succeed: the second is then a
   * new version of the first. After a lost answer the SDK may create it twice as well. It signs nothing.
   *
   * @throws SignerError KEY_UNUSABLE where the vault has a key of that name, or has a deleted one, or does not take it;
   *   ethers' INVALID_ARGUMENT for a name or tags that the store would not list.
   */
  create(options: AzureKeyVaultNewKeyOptions): Promise<StoredKey> {
    return createKey(this.#session, options);
  }

  /**
   * Moves an existing account into the vault ("Import Key" in the REST reference), and proves it: before it returns, the
   * vault has signed a message, and the signature was verified against the address.
   *
   * Needs keys/get, keys/import and keys/sign: the role "Key Vault Crypto Officer"; in a Managed HSM, "Managed HSM Crypto User".
   *
   * The private key goes to the vault inside TLS, without wrapping of its own. The copies made here are overwritten; the
   * caller's are not, nor are those that the SDK makes of the request and the runtime of both, which stay in memory until
   * they are collected. Whoever had the key before still has it.
   *
   * It deletes nothing: a key whose proof fails stays in the vault, and the error's `info.createdKeyId` names its version.
   *
   * @param privateKey 32 bytes, big-endian, which stay the caller's to wipe, or their hex string with 0x.
   * @throws SignerError ADDRESS_MISMATCH for another address than `expectedAddress`, before anything is sent; otherwise as
   *   {@link create}, and whatever signing throws. No error shows the private key.
   */
  importKey(privateKey: string | Uint8Array, options: AzureKeyVaultImportOptions): Promise<StoredKey> {
    return importPrivateKey(this.#session, privateKey, options);
  }

  /**
   * Asks for one page of one key. `canSign` is never known: Azure has no request that tries a permission without using it.
   * A vault that cannot be reached is part of the answer.
   *
   * @throws the signal's `reason` where it aborts; SignerError SIGNER_CLOSED.
   */
  health(options: CallOptions = {}): Promise<StoreHealth> {
    return readHealth(this.#session, options);
  }

  /**
   * Waits for the calls that run already, those of the store's keys included, then ends the connections that were opened
   * here. Later calls of the store and of its keys fail with SIGNER_CLOSED. Idempotent.
   */
  async close(): Promise<void> {
    await this.#session.close();
  }
}
