import type { RawSignature } from "../core/signature.ts";
import type { KeyCustody } from "../signer/custody.ts";
import type { CallOptions, RemoteKey } from "../signer/remote-key.ts";
import { askKeyHealth, type Pkcs11Health } from "./health.ts";
import { checkOptions, type Pkcs11KeyOptions } from "./options.ts";
import { Pkcs11Token } from "./token.ts";
import { TokenKey } from "./token-key.ts";
import { pkcs11Uri } from "./uri.ts";

/**
 * A secp256k1 key pair on a PKCS#11 token.
 *
 * The first call loads the library, opens a session, logs in and finds the key. The sessions are shared by all signers and
 * stores of this process with the same token; each signs one digest at a time, and any number of calls may wait. What the
 * token, the library or other code of the process makes fail is recovered from if possible, and the call is retried. The
 * library stays loaded and initialised for the life of the process, since other code may use it too.
 *
 * Opening a session, logging in and finding the key block the event loop while the library works, signing does not; with
 * `isolation: "process"` nothing does.
 */
export class Pkcs11Key implements RemoteKey {
  readonly backend: string;
  /** A PKCS#11 URI (RFC 7512) of the token and the key, without the PIN. */
  readonly id: string;
  readonly #token: Pkcs11Token;
  readonly #key: TokenKey;

  /**
   * Does no I/O. `backend` is what errors name: a preset's own name, or `"pkcs11"`.
   *
   * @throws ethers' INVALID_ARGUMENT for options that cannot be right.
   */
  constructor(options: Pkcs11KeyOptions, backend = "pkcs11") {
    const checked = checkOptions(options);
    this.backend = backend;
    this.id = pkcs11Uri(checked);
    this.#token = new Pkcs11Token(checked);
    this.#key = new TokenKey(this.#token, {
      backend,
      id: this.id,
      find: (session) => session.findKey(checked.key, checked.publicKey),
      requireNonExtractable: checked.requireNonExtractable,
    });
  }

  async getPublicKey(options: CallOptions = {}): Promise<Uint8Array> {
    return this.#key.getPublicKey(options);
  }

  async signDigest(digest: Uint8Array, options: CallOptions = {}): Promise<RawSignature> {
    return this.#key.signDigest(digest, options);
  }

  /** The sessions of now are not used again, and the key is looked up again: its handle may be another's by now. */
  invalidate(): true {
    return this.#key.invalidate();
  }

  /**
   * How the library, the token, the login, the sessions and the key stand. It makes the calls that a first signature makes, but
   * signs nothing, and does not fail: what is wrong is in the answer. It rejects if the signal aborts, or `pin` returns no string.
   */
  async health({ signal }: CallOptions = {}): Promise<Pkcs11Health> {
    return askKeyHealth(this.#token, this.#key, signal);
  }

  /** What the library says: the private key's attributes and the slot's flags, a read each. No PKCS#11 library proves it. */
  async custody(options: CallOptions = {}): Promise<KeyCustody> {
    return this.#key.custody(options);
  }

  /** Waits for the calls that run or wait already, then leaves the sessions to the others. Idempotent. */
  async close(): Promise<void> {
    await this.#key.close();
    await this.#token.close();
  }
}
