import type { SignerError } from "../core/errors.ts";
import type { CallOptions, RemoteKey } from "../signer/remote-key.ts";

/** A secp256k1 signing key that a store holds and that can sign now. */
export interface StoredKey {
  /** The key, with its public key known already: it costs no further request to construct a signer over it. */
  readonly key: RemoteKey;
  /** The address, with the checksum of EIP-55. */
  readonly address: string;
  /** The key's name: an alias, a name, a label; undefined if it has none. */
  readonly name: string | undefined;
}

/** A key that a store holds and that cannot be used, with the reason. */
export interface FailedKey {
  /** The vendor's identifier of the key; no secret. */
  readonly id: string;
  /** Its name: an alias, a label; undefined if it has none. */
  readonly name: string | undefined;
  /** Why it cannot be used. */
  readonly error: SignerError;
}

/** What a listing finds, key by key. Keys of other curves and usages are not part of it. */
export type ListedKey = StoredKey | FailedKey;

/** Whether a store responds, and what its credentials may do there. */
export interface StoreHealth {
  /** Whether the store responds. */
  readonly reachable: boolean;
  /** Whether listing is permitted; undefined if it is not known. */
  readonly canList: boolean | undefined;
  /** Whether signing is permitted with the keys that were listed last; undefined if it is not known. */
  readonly canSign: boolean | undefined;
  /** The first failure; undefined if there was none. */
  readonly error: SignerError | undefined;
}

/** What names a new key. Each store has more: `KmsCreateKeyOptions`, `AzureKeyVaultCreateKeyOptions`, `GcpKmsCreateKeyOptions`, `Pkcs11CreateKeyOptions`. */
export interface NewKeyOptions extends CallOptions {
  /** The alias, or the name. */
  readonly name?: string | undefined;
  /** For `importKey`: the address that the private key must have, checked before anything is made. */
  readonly expectedAddress?: string | undefined;
}

/**
 * A place that holds many keys: an account and Region of AWS KMS, an Azure vault, a location of Google Cloud KMS, a PKCS#11 token.
 *
 * Implement it to bring a store of your own: `AccountDirectory` takes any `KeyStore`.
 */
export interface KeyStore {
  /** The kind of backend, for example `"aws-kms"`. */
  readonly backend: string;
  /** The vendor's identifier of the place, printable and never a secret. */
  readonly id: string;
  /**
   * The secp256k1 signing keys, all pages, in no order. One key that fails is part of the list, and does not end it. It
   * rejects with a SignerError where the listing itself fails: what came until then is not complete.
   */
  list(options?: CallOptions): AsyncIterable<ListedKey>;
  /**
   * Makes a key. The options name it, in the words of the store.
   *
   * @throws SignerError KEY_EXISTS if the name is taken: nothing was made. Once the key exists an error names it: `info.createdKeyId`.
   */
  createKey?(options: NewKeyOptions): Promise<StoredKey>;
  /**
   * Moves an existing account into the store, and proves that the key signs. `privateKey`: 32 bytes, or their hex string with 0x.
   *
   * @throws as `createKey`; SignerError ADDRESS_MISMATCH, before anything is made. No error holds the private key.
   */
  importKey?(privateKey: Uint8Array | string, options: NewKeyOptions): Promise<StoredKey>;
  /** Asks the backend for a sign of life, and whether it permits what signing needs. It signs nothing. */
  health?(options?: CallOptions): Promise<StoreHealth>;
  /** Ends what the store opened, and what its keys share with it. Idempotent. */
  close?(): Promise<void>;
}

/** Tells the two kinds of {@link ListedKey} apart. */
export function isStoredKey(listed: ListedKey): listed is StoredKey {
  return "key" in listed;
}
