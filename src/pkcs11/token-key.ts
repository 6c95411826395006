import { assertArgument } from "ethers";
import { equalBytes } from "../core/bytes.ts";
import { isSignerError, SignerError } from "../core/errors.ts";
import { addressFromPublicKey } from "../core/public-key.ts";
import type { RawSignature } from "../core/signature.ts";
import type { CallOptions, RemoteKey } from "../signer/remote-key.ts";
import type { Pkcs11Connection } from "./connection.ts";
import type { KeyObject } from "./key-object.ts";
import type { Pkcs11Session } from "./session.ts";

/** A key as a session found it. */
export interface FoundKey {
  readonly session: Pkcs11Session;
  readonly key: KeyObject;
}

export interface TokenKeyOptions {
  readonly backend: string;
  readonly id: string;
  /** Finds the key again for every session that the connection opens. */
  readonly find: (session: Pkcs11Session) => KeyObject;
  /** Where it was found already: its public key then costs no call. */
  readonly found?: FoundKey;
}

/** A key on a token, over a connection that it may share: it opens no session of its own, and closes none. */
export class TokenKey implements RemoteKey {
  readonly backend: string;
  readonly id: string;
  readonly #connection: Pkcs11Connection;
  readonly #find: TokenKeyOptions["find"];
  readonly #known: Uint8Array | undefined;
  #publicKey: Uint8Array | undefined;
  #found: FoundKey | undefined;
  #closed = false;

  constructor(connection: Pkcs11Connection, { backend, id, find, found }: TokenKeyOptions) {
    this.#connection = connection;
    this.backend = backend;
    this.id = id;
    this.#find = find;
    this.#found = found;
    this.#known = found?.key.publicKey;
    this.#publicKey = this.#known;
  }

  async getPublicKey(options: CallOptions = {}): Promise<Uint8Array> {
    if (this.#known && !this.#closed) return this.#known.slice();
    return this.#exclusively("getPublicKey", options, async ({ key }) => key.publicKey.slice());
  }

  async signDigest(digest: Uint8Array, options: CallOptions = {}): Promise<RawSignature> {
    // Modules sign any length as it is: SoftHSM takes 1 to 64 bytes, and an empty digest leaves its session stuck.
    assertArgument(digest.length === 32, "invalid digest length", "digest", digest);
    const bytes = digest.slice();
    return this.#exclusively("signDigest", options, ({ session, key }) => session.sign(key, bytes));
  }

  /** Ends this key only. */
  async close(): Promise<void> {
    this.#closed = true;
  }

  async #exclusively<T>(operation: string, { signal }: CallOptions, task: (found: FoundKey) => Promise<T>): Promise<T> {
    const context = { backend: this.backend, keyId: this.id, operation };
    if (this.#closed) throw new SignerError("SIGNER_CLOSED", "the key was closed; construct a new one", context);
    try {
      return await this.#connection.run((session) => task(this.#findIn(session)), signal);
    } catch (error) {
      throw isSignerError(error) ? error.withContext(context) : error;
    }
  }

  #findIn(session: Pkcs11Session): FoundKey {
    if (this.#found?.session === session) return this.#found;
    const key = this.#find(session);
    this.#requireSamePublicKey(key.publicKey);
    this.#found = { session, key };
    return this.#found;
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
