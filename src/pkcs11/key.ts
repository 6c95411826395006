import { assertArgument } from "ethers";
import { equalBytes } from "../core/bytes.ts";
import { isSignerError, SignerError } from "../core/errors.ts";
import { addressFromPublicKey } from "../core/public-key.ts";
import type { RawSignature } from "../core/signature.ts";
import { bounded } from "../signer/bounded.ts";
import type { CallOptions, RemoteKey } from "../signer/remote-key.ts";
import type { KeyObject } from "./key-object.ts";
import { loadModule } from "./module.ts";
import { type CheckedOptions, checkOptions, type Pkcs11KeyOptions } from "./options.ts";
import { SerialQueue } from "./serial-queue.ts";
import { Pkcs11Session } from "./session.ts";
import { findSlot } from "./slot.ts";
import { keyUri } from "./uri.ts";

interface OpenKey {
  readonly session: Pkcs11Session;
  readonly key: KeyObject;
}

/**
 * A secp256k1 key pair on a PKCS#11 token.
 *
 * It opens one session at its first call, logs in, finds the key, and keeps the session for one signature at a time; any
 * number of calls may wait. A session that failed is closed, and the next call opens another. The library stays loaded and
 * initialised for the life of the process, since other code may use it too.
 *
 * Opening, logging in and finding the key block the event loop while the module works; signing does not.
 */
export class Pkcs11Key implements RemoteKey {
  readonly backend: string;
  /** A PKCS#11 URI (RFC 7512) of the token and the key, without the PIN. */
  readonly id: string;
  readonly #options: CheckedOptions;
  readonly #queue = new SerialQueue();
  #open: OpenKey | undefined;
  #publicKey: Uint8Array | undefined;
  #loginRefused: SignerError | undefined;
  #closed = false;

  /** Does no I/O. `backend` is what errors name: a preset's own name, or `"pkcs11"`. */
  constructor(options: Pkcs11KeyOptions, backend = "pkcs11") {
    this.#options = checkOptions(options);
    this.backend = backend;
    this.id = keyUri(this.#options);
  }

  async getPublicKey(options: CallOptions = {}): Promise<Uint8Array> {
    return this.#exclusively("getPublicKey", options, async ({ key }) => key.publicKey.slice());
  }

  async signDigest(digest: Uint8Array, options: CallOptions = {}): Promise<RawSignature> {
    // Modules sign any length as it is: SoftHSM takes 1 to 64 bytes, and an empty digest leaves its session stuck.
    assertArgument(digest.length === 32, "invalid digest length", "digest", digest);
    const bytes = digest.slice();
    return this.#exclusively("signDigest", options, ({ session, key }) => session.sign(key, bytes));
  }

  /** Waits for the calls that run or wait already, then closes the session. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#queue.run(async () => this.#discardSession());
  }

  async #exclusively<T>(operation: string, { signal }: CallOptions, task: (open: OpenKey) => Promise<T>): Promise<T> {
    const context = { backend: this.backend, keyId: this.id, operation };
    if (this.#closed) throw new SignerError("SIGNER_CLOSED", "the key was closed; construct a new one", context);
    return this.#queue.run(async () => {
      try {
        this.#open ??= await this.#openKey(signal);
        return await task(this.#open);
      } catch (error) {
        this.#discardSession();
        throw isSignerError(error) ? error.withContext(context) : error;
      }
    }, signal);
  }

  async #openKey(signal: AbortSignal | undefined): Promise<OpenKey> {
    if (this.#loginRefused) throw this.#loginRefused;
    const cryptoki = await loadModule(this.#options.libraryPath);
    // The caller's own function may hang: the calls that wait behind this one must not.
    const pin = await bounded(() => this.#pin(), { signal });
    const session = Pkcs11Session.open(cryptoki, findSlot(cryptoki, this.#options.token));
    try {
      if (pin !== undefined) this.#login(session, pin);
      const key = session.findKey(this.#options.key, this.#options.publicKey);
      this.#requireSamePublicKey(key.publicKey);
      return { session, key };
    } catch (error) {
      session.close();
      throw error;
    }
  }

  async #pin(): Promise<string | undefined> {
    const { pin } = this.#options;
    if (typeof pin !== "function") return pin;
    const given: unknown = await pin();
    assertArgument(typeof given === "string" && given.length > 0, "pin() must give text", "pin", "[REDACTED]");
    return given;
  }

  #login(session: Pkcs11Session, pin: string): void {
    try {
      session.login(pin);
    } catch (error) {
      // Tokens lock after a few wrong PINs (AWS CloudHSM after five): this one is never tried again.
      if (isSignerError(error, "ACCESS_DENIED")) this.#loginRefused = error;
      throw error;
    }
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

  #discardSession(): void {
    this.#open?.session.close();
    this.#open = undefined;
  }
}
