import { equalBytes } from "../core/bytes.ts";
import { isSignerError, SignerError } from "../core/errors.ts";
import { addressFromPublicKey } from "../core/public-key.ts";
import type { RawSignature } from "../core/signature.ts";
import type { KeyCustody } from "../signer/custody.ts";
import { copyDigest } from "../signer/payload.ts";
import type { CallOptions, RemoteKey } from "../signer/remote-key.ts";
import { readCustody } from "./custody.ts";
import { recoveryFor } from "./errors.ts";
import { checkProtection } from "./key-protection.ts";
import type { Pkcs11Session } from "./session.ts";
import type { SigningObject } from "./signing-object.ts";
import type { Pkcs11Token } from "./token.ts";

/** A key as it was found, and what its handle is good for. */
export interface FoundKey {
  readonly epoch: object;
  readonly key: SigningObject;
}

export interface TokenKeyOptions {
  readonly backend: string;
  readonly id: string;
  /** Finds the key, again after each login. */
  readonly find: (session: Pkcs11Session) => Promise<SigningObject>;
  readonly requireNonExtractable: boolean;
  /** Where it was found already: its public key then costs no call. */
  readonly found?: FoundKey;
}

/** A key on a token that it may share with others: it closes no session. */
export class TokenKey implements RemoteKey {
  readonly backend: string;
  readonly id: string;
  readonly #token: Pkcs11Token;
  readonly #find: TokenKeyOptions["find"];
  readonly #requireNonExtractable: boolean;
  readonly #known: Uint8Array | undefined;
  #publicKey: Uint8Array | undefined;
  #found: FoundKey | undefined;
  #finding: { readonly epoch: object; readonly key: Promise<SigningObject> } | undefined;
  #closed = false;

  constructor(token: Pkcs11Token, { backend, id, find, requireNonExtractable, found }: TokenKeyOptions) {
    this.#token = token;
    this.backend = backend;
    this.id = id;
    this.#find = find;
    this.#requireNonExtractable = requireNonExtractable;
    this.#found = found;
    this.#known = found?.key.publicKey;
    this.#publicKey = this.#known;
  }

  async getPublicKey(options: CallOptions = {}): Promise<Uint8Array> {
    if (this.#known && !this.#closed && !this.#token.isClosed) return this.#known.slice();
    return this.use("getPublicKey", options, async (_session, { publicKey }) => publicKey.slice());
  }

  async signDigest(digest: Uint8Array, options: CallOptions = {}): Promise<RawSignature> {
    // Modules sign any length as it is: SoftHSM takes 1 to 64 bytes, and an empty digest leaves its session stuck.
    const bytes = copyDigest(digest);
    return this.use("signDigest", options, (session, key) => {
      if (!key.needsPin) return session.sign(key, bytes);
      return this.#token.withPin(session, (pin) => session.sign(key, bytes, pin));
    });
  }

  /** The sessions of now are not used again, and the key is looked up again: its handle may be another's by now. */
  invalidate(): true {
    this.#found = undefined;
    this.#token.invalidate();
    return true;
  }

  /** Attributes and flags as the library states them. */
  async custody(options: CallOptions = {}): Promise<KeyCustody> {
    return this.use("custody", options, readCustody);
  }

  /** Ends this key only. */
  async close(): Promise<void> {
    this.#closed = true;
  }

  /** Does `task` with the key, found and checked, in a session that does nothing else meanwhile. */
  async use<T>(
    operation: string,
    { signal, onAttempt }: CallOptions,
    task: (session: Pkcs11Session, key: SigningObject) => Promise<T>,
  ): Promise<T> {
    const context = { backend: this.backend, keyId: this.id, operation };
    if (this.#closed) throw new SignerError("SIGNER_CLOSED", "the key was closed; construct a new one", context);
    try {
      return await this.#token.run(async (session) => this.#useIn(session, task), { signal, onAttempt });
    } catch (error) {
      throw isSignerError(error) ? error.withContext(context) : error;
    }
  }

  async #useIn<T>(
    session: Pkcs11Session,
    task: (session: Pkcs11Session, key: SigningObject) => Promise<T>,
  ): Promise<T> {
    const key = await this.#findIn(session);
    checkProtection(key.protection, this.id, this.#requireNonExtractable);
    try {
      return await task(session, key);
    } catch (error) {
      // The object was deleted, or the user logged out and in again: the next attempt looks for it.
      if (recoveryFor(error) === "login" && this.#found?.key === key) this.#found = undefined;
      throw error;
    }
  }

  // However many sessions want the key at once, one of them looks for it: each look may ask every HSM of a cluster.
  async #findIn(session: Pkcs11Session): Promise<SigningObject> {
    const { epoch } = session;
    if (this.#found?.epoch === epoch) return this.#found.key;
    if (this.#finding?.epoch !== epoch) {
      const finding = { epoch, key: this.#lookFor(session, epoch) };
      this.#finding = finding;
      const forget = () => {
        if (this.#finding === finding) this.#finding = undefined;
      };
      finding.key.then(forget, forget);
    }
    return this.#finding?.key as Promise<SigningObject>;
  }

  async #lookFor(session: Pkcs11Session, epoch: object): Promise<SigningObject> {
    const key = await this.#find(session);
    this.#requireSamePublicKey(key.publicKey);
    this.#found = { epoch, key };
    return key;
  }

  #requireSamePublicKey(publicKey: Uint8Array): void {
    this.#publicKey ??= publicKey;
    if (equalBytes(this.#publicKey, publicKey)) return;
    const previous = { keyId: this.id, address: addressFromPublicKey(this.#publicKey) };
    const current = { keyId: this.id, address: addressFromPublicKey(publicKey) };
    throw new SignerError(
      "KEY_CHANGED",
      `the token now holds another key under this name: it was the account ${previous.address} and is ` +
        `${current.address}. Nothing was signed; put the former key back, or construct a new signer for the new account`,
      { info: { previous, current } },
    );
  }
}
