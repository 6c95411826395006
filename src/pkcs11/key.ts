import type { RawSignature } from "../core/signature.ts";
import type { CallOptions, RemoteKey } from "../signer/remote-key.ts";
import { Pkcs11Connection } from "./connection.ts";
import { checkOptions, type Pkcs11KeyOptions } from "./options.ts";
import { TokenKey } from "./token-key.ts";
import { pkcs11Uri } from "./uri.ts";

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
  readonly #connection: Pkcs11Connection;
  readonly #key: TokenKey;

  /** Does no I/O. `backend` is what errors name: a preset's own name, or `"pkcs11"`. */
  constructor(options: Pkcs11KeyOptions, backend = "pkcs11") {
    const checked = checkOptions(options);
    this.backend = backend;
    this.id = pkcs11Uri(checked);
    this.#connection = new Pkcs11Connection(checked);
    this.#key = new TokenKey(this.#connection, {
      backend,
      id: this.id,
      find: (session) => session.findKey(checked.key, checked.publicKey),
    });
  }

  async getPublicKey(options: CallOptions = {}): Promise<Uint8Array> {
    return this.#key.getPublicKey(options);
  }

  async signDigest(digest: Uint8Array, options: CallOptions = {}): Promise<RawSignature> {
    return this.#key.signDigest(digest, options);
  }

  /** Waits for the calls that run or wait already, then closes the session. Idempotent. */
  async close(): Promise<void> {
    await this.#key.close();
    await this.#connection.close();
  }
}
