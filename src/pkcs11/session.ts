import { SignerError } from "../core/errors.ts";
import { type RawSignature, signatureFromCompact } from "../core/signature.ts";
import { CKR, pkcs11Error, returnValueOf } from "./errors.ts";
import { KeyFinder, type KeyObject } from "./key-object.ts";
import type { Cryptoki } from "./module.ts";
import type { KeySelector } from "./options.ts";
import type { TokenSlot } from "./slot.ts";

// PKCS#11 v2.40, header pkcs11t.h.
const CKF_RW_SESSION = 0x2;
const CKF_SERIAL_SESSION = 0x4;
const CKU_USER = 1;
const CKM_ECDSA = 0x1041;

// r‖s of secp256k1 has 64 bytes. A module that gives more is caught by the decoder rather than by a truncation.
const SIGNATURE_CAPACITY = 256;

// What signatures in flight read and write on other threads: kept reachable until they are done.
const operandsInFlight = new Set<readonly Buffer[]>();

/** A session with a token. It takes one operation at a time: its user sees to that. */
export class Pkcs11Session {
  readonly #cryptoki: Cryptoki;
  readonly #handle: Buffer;

  private constructor(cryptoki: Cryptoki, handle: Buffer) {
    this.#cryptoki = cryptoki;
    this.#handle = handle;
  }

  static open(cryptoki: Cryptoki, slot: TokenSlot): Pkcs11Session {
    // AWS CloudHSM refuses to sign in a read-only session.
    const flags = CKF_SERIAL_SESSION | CKF_RW_SESSION;
    return attempt("C_OpenSession", () => new Pkcs11Session(cryptoki, cryptoki.C_OpenSession(slot.handle, flags)));
  }

  /** Logs the user in, for all sessions of this process with the token; right also where that was done before. */
  login(pin: string): void {
    try {
      this.#cryptoki.C_Login(this.#handle, CKU_USER, pin);
    } catch (error) {
      if (returnValueOf(error) === CKR.USER_ALREADY_LOGGED_IN) return;
      throw pkcs11Error(error, { operation: "C_Login" });
    }
  }

  findKey(selector: KeySelector, publicKey: Uint8Array | undefined): KeyObject {
    return attempt("C_FindObjects", () => new KeyFinder(this.#cryptoki, this.#handle).find(selector, publicKey));
  }

  /**
   * Signs exactly these 32 bytes with CKM_ECDSA (PKCS#11 v2.40 mechanisms, section 2.3.6), off the event loop.
   *
   * After a failure the session may be stuck in the operation: close it.
   */
  async sign(key: KeyObject, digest: Uint8Array): Promise<RawSignature> {
    const input = Buffer.from(digest);
    const output = Buffer.alloc(SIGNATURE_CAPACITY);
    const operands = [input, output];
    operandsInFlight.add(operands);
    try {
      this.#cryptoki.C_SignInit(this.#handle, { mechanism: CKM_ECDSA }, key.handle);
      return signatureFromCompact(await this.#cryptoki.C_SignAsync(this.#handle, input, output));
    } catch (error) {
      throw error instanceof SignerError ? error : pkcs11Error(error, { operation: "C_Sign" });
    } finally {
      operandsInFlight.delete(operands);
    }
  }

  /** Never throws: a session that cannot be closed is gone already. The last one of a process logs its user out. */
  close(): void {
    try {
      this.#cryptoki.C_CloseSession(this.#handle);
    } catch {
      // The token, the module or the session went away before; nothing is left to close.
    }
  }
}

function attempt<T>(operation: string, call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw error instanceof SignerError ? error : pkcs11Error(error, { operation });
  }
}
