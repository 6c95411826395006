import { setImmediate } from "node:timers/promises";
import { getAddress } from "ethers";
import { concurrentMap } from "../accounts/concurrent-map.ts";
import type { KeyStore, ListedKey, StoredKey, StoreHealth } from "../accounts/key-store.ts";
import { isSignerError } from "../core/errors.ts";
import { addressFromPublicKey } from "../core/public-key.ts";
import type { CallOptions } from "../signer/remote-key.ts";
import { KeyListing, type NamedKeys } from "./key-listing.ts";
import { generateKeyPair, importKeyPair, type MadeKey, makeNamed, removing } from "./key-maker.ts";
import { type KeyName, labelText, nameText } from "./key-name.ts";
import { checkProtection } from "./key-protection.ts";
import type { Wait } from "./object-index.ts";
import { PrivateKey } from "./private-key.ts";
import { proveKey, requireAddress } from "./proof.ts";
import type { Pkcs11Session } from "./session.ts";
import { ambiguous, type SigningObject } from "./signing-object.ts";
import { StoreCalls } from "./store-calls.ts";
import {
  type CheckedStore,
  checkStoreOptions,
  newKeyName,
  type Pkcs11CreateKeyOptions,
  type Pkcs11ImportKeyOptions,
  type Pkcs11StoreOptions,
} from "./store-options.ts";
import { Pkcs11Token } from "./token.ts";
import { type FoundKey, TokenKey } from "./token-key.ts";
import { pkcs11Uri } from "./uri.ts";

interface KnownKey extends FoundKey {
  readonly name: KeyName;
}

/**
 * The secp256k1 signing keys of a PKCS#11 token.
 *
 * It opens sessions as it needs them, logs in, and shares them with all keys that it returns, and with every signer and store
 * of this process over the same token. Closing such a key ends that key; closing the store ends all of them. A session or a
 * login that was lost is re-established: each key is then found again by label and CKA_ID, and another one in its place is
 * refused (KEY_CHANGED).
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
  readonly #token: Pkcs11Token;
  readonly #calls: StoreCalls;
  readonly #known = new Map<string, KnownKey>();

  /**
   * Does no I/O. `backend` is what errors name: a preset's own name, or `"pkcs11"`.
   *
   * @throws ethers' INVALID_ARGUMENT for options that cannot be right.
   */
  constructor(options: Pkcs11StoreOptions, backend = "pkcs11") {
    this.#options = checkStoreOptions(options);
    this.#token = new Pkcs11Token(this.#options);
    this.#calls = new StoreCalls(this.#token, backend, this.#options.timeout, this.#options.observer);
    this.backend = backend;
    this.id = pkcs11Uri(this.#options);
  }

  /**
   * The private EC keys of the token on secp256k1, in no order. Keys of other types and curves are left out. Keys that may
   * not sign (CKA_SIGN false), that show no public key or several, or that share label and CKA_ID with another, come as
   * FailedKey of code KEY_UNUSABLE, once per name. A key that goes away meanwhile is left out.
   *
   * Of a key that an earlier listing found only CKA_EC_POINT is read again, unless the session was lost or the object was
   * replaced. It signs nothing: that a key really signs shows at its first signature.
   *
   * A session or a login that was lost meanwhile is re-established; if that fails, the listing rejects. It reads `concurrency`
   * keys at once; while the caller works on a key, it reads no further than that.
   */
  async *list({ signal }: CallOptions = {}): AsyncGenerator<ListedKey, void, void> {
    const { filter, concurrency } = this.#options;
    const listing = await this.#calls.read("list", signal, (session, wait) => KeyListing.read(session, filter, wait));
    // wolfPKCS11 finds ten objects per search: a known key that the search does not show is looked for by its name.
    const others = [...this.#known].filter(([text]) => !listing.keys.has(text));
    const each = async function* (): AsyncGenerator<[text: string, keys: NamedKeys], void> {
      yield* listing.keys;
      for (const [text, { name }] of others) yield [text, { name, handles: [] }];
    };
    const look = async ([text, keys]: [string, NamedKeys], inner: AbortSignal) => {
      await setImmediate();
      return this.#calls.read("list", inner, (session, wait) =>
        this.#listed(session, text, keys.name, () => this.#find(session, listing, text, keys, wait)),
      );
    };
    for await (const listed of concurrentMap(each, look, { concurrency, signal })) if (listed) yield listed;
  }

  /**
   * Makes a key pair on the token: C_GenerateKeyPair with CKM_EC_KEY_PAIR_GEN (PKCS#11 v2.40 mechanisms, section 2.3.5). The
   * private half is a sensitive, not extractable token object that may sign and do nothing else; the public one may verify.
   *
   * An abort that comes while the module works is honoured once it is done: the new key is then removed. Neither this nor
   * an import is retried after a lost session: that is BACKEND_UNAVAILABLE, and the next call has another session. If
   * `timeout` passes first, the key is removed as soon as the module is done.
   *
   * @throws SignerError KEY_EXISTS if a key of the token has the label or the CKA_ID, or is being made with it.
   */
  async createKey(options: Pkcs11CreateKeyOptions): Promise<StoredKey> {
    const name = newKeyName(options, this.#options.filter);
    return this.#make("createKey", name, options.signal, (session) => generateKeyPair(session, name));
  }

  /**
   * Moves an existing private key onto the token, with attributes like those of {@link createKey}: by C_CreateObject, or, where
   * the token refuses that and offers CKM_AES_KEY_WRAP_PAD, by C_UnwrapKey of PKCS#8 under an AES key of this session.
   *
   * It resolves after the key on the token has signed and the signature was verified; before that, any failure removes what
   * was made. Its own copies of the private key are overwritten. That does not protect the caller's copy, those that
   * pkcs11js and the module make in this process's memory, nor backups of it: a key that was ever outside an HSM is only as
   * safe as each place that it was in. A hex string cannot be overwritten at all: pass bytes, and wipe them.
   *
   * @param privateKey 32 bytes, big-endian, or their hex string with 0x. No error shows them.
   * @throws ethers' INVALID_ARGUMENT if this is not a private key; SignerError KEY_EXISTS as {@link createKey}.
   */
  async importKey(privateKey: Uint8Array | string, options: Pkcs11ImportKeyOptions): Promise<StoredKey> {
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
   * Logs in, and asks whether the token offers CKM_ECDSA. `canSign` is undefined until a listing has
   * found a key that may sign. It signs nothing. It rejects if the signal aborts, or `pin` returns no string.
   */
  async health({ signal }: CallOptions = {}): Promise<StoreHealth> {
    try {
      const offersEcdsa = await this.#calls.read("health", signal, (session) => session.offersEcdsa());
      const canSign = offersEcdsa ? this.#known.size > 0 || undefined : false;
      return { reachable: true, canList: true, canSign, error: undefined };
    } catch (error) {
      if (signal?.aborted || !isSignerError(error)) throw error;
      // A token that refuses the login has answered.
      const refused = isSignerError(error, "ACCESS_DENIED");
      const permitted = refused ? false : undefined;
      return { reachable: refused, canList: permitted, canSign: permitted, error };
    }
  }

  /** Waits for the calls that run or wait already, then leaves the sessions. Idempotent; the store's keys end with it. */
  async close(): Promise<void> {
    await this.#token.close();
  }

  async #listed(
    session: Pkcs11Session,
    text: string,
    name: KeyName,
    find: () => Promise<FoundKey>,
  ): Promise<ListedKey | undefined> {
    try {
      const found = await find();
      if (this.#options.requireNonExtractable) checkProtection(found.key.protection, this.#uri(name), true);
      this.#known.set(text, { ...found, name });
      return this.#stored(name, found);
    } catch (error) {
      this.#known.delete(text);
      if (!isSignerError(error)) throw error;
      // What a session says that is still good is about this key only; else the listing fails.
      await this.#token.requireLogin(session);
      if (error.code === "KEY_NOT_FOUND") return undefined;
      const id = this.#uri(name);
      return { id, name: labelText(name), error: error.withContext({ backend: this.backend, keyId: id }) };
    }
  }

  async #find(
    session: Pkcs11Session,
    listing: KeyListing,
    text: string,
    { name, handles }: NamedKeys,
    wait: Wait,
  ): Promise<FoundKey> {
    const [handle, another] = handles;
    if (another !== undefined) throw ambiguous(name);
    const { epoch } = session;
    if (handle === undefined || listing.epoch !== epoch) return { epoch, key: await session.findNamed(name) };
    const known = this.#known.get(text);
    try {
      if (known?.epoch === epoch && known.key.handle.equals(handle) && (await isSame(session, known.key))) return known;
      const lookup = await listing.lookup(session, wait);
      wait.signal.throwIfAborted();
      return { epoch, key: await session.inspect(handle, name, lookup) };
    } catch (error) {
      // An object that went away since the listing began.
      if (isSignerError(error, "KEY_NOT_FOUND")) return { epoch, key: await session.findNamed(name) };
      throw error;
    }
  }

  async #make(
    operation: "createKey" | "importKey",
    name: KeyName,
    signal: AbortSignal | undefined,
    make: (session: Pkcs11Session) => Promise<MadeKey>,
    address?: string,
  ): Promise<StoredKey> {
    const { backend } = this;
    const { verifier } = this.#options;
    const makeIn = async (session: Pkcs11Session, { signal: ended }: Wait) => {
      const made = await make(session);
      try {
        const key = await session.inspect(made.privateKey, name);
        if (address !== undefined) await proveKey(session, key, { backend, id: this.#uri(name), address, verifier });
        ended.throwIfAborted();
        const found = { epoch: session.epoch, key };
        this.#known.set(nameText(name), { ...found, name });
        return this.#stored(name, found);
      } catch (error) {
        throw await removing(session.objects, made.objects, error);
      }
    };
    return this.#calls.make(operation, signal, (session, wait) =>
      makeNamed(session, name, () => makeIn(session, wait)),
    );
  }

  #stored(name: KeyName, found: FoundKey): StoredKey {
    const find = (session: Pkcs11Session) => session.findNamed(name);
    const { requireNonExtractable } = this.#options;
    const key = new TokenKey(this.#token, {
      backend: this.backend,
      id: this.#uri(name),
      find,
      requireNonExtractable,
      found,
    });
    return { key, address: addressFromPublicKey(found.key.publicKey), name: labelText(name) };
  }

  #uri(name: KeyName): string {
    return pkcs11Uri({ token: this.#options.token, key: name });
  }
}

async function isSame(session: Pkcs11Session, key: SigningObject): Promise<boolean> {
  try {
    await session.requireSame(key);
    return true;
  } catch (error) {
    if (isSignerError(error, "KEY_NOT_FOUND")) return false;
    throw error;
  }
}
