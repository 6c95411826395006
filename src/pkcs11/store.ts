import { getAddress } from "ethers";
import type { KeyStore, ListedKey, StoredKey, StoreHealth } from "../accounts/key-store.ts";
import { isSignerError, SignerError } from "../core/errors.ts";
import { addressFromPublicKey } from "../core/public-key.ts";
import { bounded } from "../signer/bounded.ts";
import type { CallOptions } from "../signer/remote-key.ts";
import { Pkcs11Connection } from "./connection.ts";
import { KeyListing, type NamedKeys } from "./key-listing.ts";
import { generateKeyPair, importKeyPair, type MadeKey, removing, requireFree } from "./key-maker.ts";
import { type KeyName, labelText } from "./key-name.ts";
import { ambiguous } from "./key-object.ts";
import { nextTurn } from "./objects.ts";
import { PrivateKey } from "./private-key.ts";
import { proveKey, requireAddress } from "./proof.ts";
import type { Pkcs11Session } from "./session.ts";
import { askHealth, toStoreError } from "./store-health.ts";
import {
  type CheckedStore,
  type CreatePkcs11KeyOptions,
  checkStoreOptions,
  type ImportPkcs11KeyOptions,
  newKeyName,
  type Pkcs11KeyStoreOptions,
} from "./store-options.ts";
import { type FoundKey, TokenKey } from "./token-key.ts";
import { pkcs11Uri } from "./uri.ts";

/**
 * The secp256k1 signing keys of a PKCS#11 token.
 *
 * It opens one session at its first call, logs in, and shares the session with all keys that it gives: one operation at a
 * time. Closing such a key does not close the session; closing the store does, and ends its keys. A call that fails closes
 * the session; the next one opens another, finds its key again by label and CKA_ID, and refuses another one in its place
 * (KEY_CHANGED).
 *
 * The user needs to see the private keys (the PIN of CKU_USER). Listing reads CKA_LABEL, CKA_ID, CKA_KEY_TYPE, CKA_SIGN,
 * CKA_EC_PARAMS and CKA_EC_POINT (PKCS#11 v2.40, section 5.7), and changes nothing. Finding and reading block the event
 * loop call by call; it gets a turn between keys.
 *
 * @example
 * const store = new Pkcs11KeyStore({ libraryPath: "/usr/lib/softhsm/libsofthsm2.so", tokenLabel: "treasury", pin });
 * for await (const listed of store.list()) if (isStoredKey(listed)) console.log(listed.name, listed.address);
 */
export class Pkcs11KeyStore implements KeyStore {
  readonly backend: string;
  /** A PKCS#11 URI (RFC 7512) of the token, without the PIN. */
  readonly id: string;
  readonly #options: CheckedStore;
  readonly #connection: Pkcs11Connection;
  readonly #known = new Map<string, FoundKey>();

  /**
   * Does no I/O. `backend` is what errors name: a preset's own name, or `"pkcs11"`.
   *
   * @throws ethers' INVALID_ARGUMENT for options that cannot be right.
   */
  constructor(options: Pkcs11KeyStoreOptions, backend = "pkcs11") {
    this.#options = checkStoreOptions(options);
    this.#connection = new Pkcs11Connection(this.#options);
    this.backend = backend;
    this.id = pkcs11Uri(this.#options);
  }

  /**
   * The private EC keys of the token on secp256k1, in no order. Keys of other types and curves are left out. Keys that may
   * not sign (CKA_SIGN false), that show no public key or several, or that share label and CKA_ID with another, come as
   * FailedKey of code KEY_UNUSABLE, once per name. A key that goes away meanwhile is left out.
   *
   * The public key of a key that an earlier listing found is read again only after the session was lost or the object was
   * replaced. It signs nothing: that a key really signs shows at its first signature.
   *
   * A session that was lost or logged out is opened again, once per step; where that fails too, the listing rejects.
   */
  async *list({ signal }: CallOptions = {}): AsyncGenerator<ListedKey, void, void> {
    const begin = (session: Pkcs11Session) => KeyListing.read(session, this.#options.filter, signal);
    const listing = await this.#read("list", signal, begin);
    for (const [text, keys] of listing.keys) {
      await nextTurn();
      const find = (session: Pkcs11Session) => this.#found(session, listing, text, keys, signal);
      const listed = await this.#read("list", signal, (session) => this.#listed(session, text, keys.name, find));
      if (listed) yield listed;
    }
    for (const text of this.#known.keys()) if (!listing.keys.has(text)) this.#known.delete(text);
  }

  /**
   * Makes a key pair on the token: C_GenerateKeyPair with CKM_EC_KEY_PAIR_GEN (PKCS#11 v2.40 mechanisms, section 2.3.5). The
   * private half is a sensitive, not extractable token object that may sign and do nothing else; the public one may verify.
   *
   * An abort that comes while the module works is honoured once it is done: the new key is then removed. Neither this nor
   * an import is repeated after a lost session: that is BACKEND_UNAVAILABLE, and the next call opens another.
   *
   * @throws ethers' INVALID_ARGUMENT where a key of the token has the label or the CKA_ID already.
   */
  async create(options: CreatePkcs11KeyOptions): Promise<StoredKey> {
    const name = newKeyName(options, this.#options.filter);
    return this.#make("create", name, options.signal, (session) => generateKeyPair(session, name));
  }

  /**
   * Moves an existing private key onto the token, with attributes like those of {@link create}: by C_CreateObject, or, where
   * the token refuses that and offers CKM_AES_KEY_WRAP_PAD, by C_UnwrapKey of PKCS#8 under an AES key of this session.
   *
   * It resolves after the key on the token has signed and the signature was verified; before that, any failure removes what
   * was made. Its own copies of the private key are overwritten. That does not protect the caller's copy, those that
   * pkcs11js and the module make in this process's memory, nor backups of it: a key that was ever outside an HSM is only as
   * safe as each place that it was in. A hex string cannot be overwritten at all: pass bytes, and wipe them.
   *
   * @param privateKey 32 bytes, big-endian, or their hex string with 0x. No error shows them.
   * @throws ethers' INVALID_ARGUMENT where this is no private key, or a key of the token has the label or the CKA_ID already.
   */
  async importKey(privateKey: Uint8Array | string, options: ImportPkcs11KeyOptions): Promise<StoredKey> {
    const name = newKeyName(options, this.#options.filter);
    const expected = options.expectedAddress === undefined ? undefined : getAddress(options.expectedAddress);
    const secret = new PrivateKey(privateKey);
    try {
      const address = addressFromPublicKey(secret.publicKey);
      requireAddress(expected, address, this.backend);
      const put = (session: Pkcs11Session) => importKeyPair(session, name, secret);
      return await this.#make("importKey", name, options.signal, put, address);
    } finally {
      secret.wipe();
    }
  }

  /**
   * Opens a session and logs in, and asks whether the token offers CKM_ECDSA. `canSign` is undefined until a listing has
   * found a key that may sign. It signs nothing. It rejects where the signal aborts, or `pin` gives no text.
   */
  async health({ signal }: CallOptions = {}): Promise<StoreHealth> {
    return askHealth(
      (task) => this.#read("health", signal, task),
      () => this.#known.size > 0,
      signal,
    );
  }

  /** Waits for the calls that run or wait already, then closes the session. Idempotent; the store's keys end with it. */
  async close(): Promise<void> {
    await this.#connection.close();
  }

  // Finding and reading can be repeated: the session may have been lost since the last call.
  async #read<T>(
    operation: string,
    signal: AbortSignal | undefined,
    task: (session: Pkcs11Session) => Promise<T>,
  ): Promise<T> {
    const loggedIn = async (session: Pkcs11Session) => {
      this.#requireLogin(session);
      return task(session);
    };
    const once = () => bounded((inner) => this.#connection.run(loggedIn, inner), { signal });
    try {
      return await once().catch((error: unknown) => {
        if (isSignerError(error, "BACKEND_UNAVAILABLE") && error.retryable) return once();
        throw error;
      });
    } catch (error) {
      throw toStoreError(error, { backend: this.backend, operation }, signal);
    }
  }

  // A token shows no private key to a user who was logged out meanwhile: that is no empty token.
  #requireLogin(session: Pkcs11Session): void {
    if (session.isLoggedIn() || this.#options.pin === undefined) return;
    throw new SignerError("BACKEND_UNAVAILABLE", "the user was logged out of the token; the next call logs in again", {
      operation: "C_GetSessionInfo",
    });
  }

  async #listed(
    session: Pkcs11Session,
    text: string,
    name: KeyName,
    find: (session: Pkcs11Session) => Promise<FoundKey>,
  ): Promise<ListedKey | undefined> {
    try {
      const key = await find(session);
      this.#known.set(text, key);
      return this.#stored(name, key);
    } catch (error) {
      this.#known.delete(text);
      if (!isSignerError(error)) throw error;
      // What a session says that is still good is about this key only; else the listing fails.
      this.#requireLogin(session);
      if (error.code === "KEY_NOT_FOUND") return undefined;
      const id = this.#uri(name);
      return { id, name: labelText(name), error: error.withContext({ backend: this.backend, keyId: id }) };
    }
  }

  async #found(
    session: Pkcs11Session,
    listing: KeyListing,
    text: string,
    { name, handles }: NamedKeys,
    signal: AbortSignal | undefined,
  ): Promise<FoundKey> {
    const [handle, another] = handles;
    if (another !== undefined) throw ambiguous(name);
    if (handle === undefined || listing.session !== session) return { session, key: session.findNamed(name) };
    const known = this.#known.get(text);
    if (known?.session === session && known.key.handle.equals(handle)) return known;
    const lookup = await listing.lookup(signal);
    try {
      return { session, key: session.inspect(handle, name, lookup) };
    } catch (error) {
      // An object that went away since the listing began.
      if (isSignerError(error, "KEY_NOT_FOUND")) return { session, key: session.findNamed(name) };
      throw error;
    }
  }

  async #make(
    operation: string,
    name: KeyName,
    signal: AbortSignal | undefined,
    make: (session: Pkcs11Session) => Promise<MadeKey>,
    address?: string,
  ): Promise<StoredKey> {
    const { backend } = this;
    try {
      return await this.#connection.run(async (session) => {
        requireFree(session, name);
        const made = await make(session);
        try {
          const key = session.inspect(made.privateKey, name);
          if (address !== undefined) await proveKey({ session, key }, { backend, id: this.#uri(name), address });
          signal?.throwIfAborted();
          return this.#stored(name, { session, key });
        } catch (error) {
          throw removing(session, [made.privateKey, made.publicKey], error);
        }
      }, signal);
    } catch (error) {
      throw toStoreError(error, { backend: this.backend, operation }, signal);
    }
  }

  #stored(name: KeyName, found: FoundKey): StoredKey {
    const find = (session: Pkcs11Session) => session.findNamed(name);
    const key = new TokenKey(this.#connection, { backend: this.backend, id: this.#uri(name), find, found });
    return { key, address: addressFromPublicKey(found.key.publicKey), name: labelText(name) };
  }

  #uri(name: KeyName): string {
    return pkcs11Uri({ token: this.#options.token, key: name });
  }
}
