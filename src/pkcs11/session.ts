import { type RawSignature, signatureFromCompact } from "../core/signature.ts";
import { attempt, attemptAsync } from "./attempt.ts";
import { CKM } from "./attributes.ts";
import { CKR, pkcs11Error, returnValueOf } from "./errors.ts";
import { holding } from "./in-flight.ts";
import type { KeyName } from "./key-name.ts";
import { KeyFinder, type KeyObject } from "./key-object.ts";
import type { Cryptoki } from "./module.ts";
import type { ObjectLookup } from "./object-index.ts";
import { type Handle, TokenObjects } from "./objects.ts";
import type { KeySelector } from "./options.ts";
import type { TokenSlot } from "./slot.ts";

// PKCS#11 v2.40, header pkcs11t.h.
const CKF_RW_SESSION = 0x2;
const CKF_SERIAL_SESSION = 0x4;
const CKF_SIGN = 0x800;
const CKU_USER = 1;
const CKS_RW_USER_FUNCTIONS = 3;

// r‖s of secp256k1 has 64 bytes. A module that gives more is caught by the decoder rather than by a truncation.
const SIGNATURE_CAPACITY = 256;

/** A session with a token. It takes one operation at a time: its user sees to that. */
export class Pkcs11Session {
  readonly cryptoki: Cryptoki;
  readonly handle: Handle;
  readonly slot: TokenSlot;
  readonly objects: TokenObjects;
  readonly #finder: KeyFinder;

  private constructor(cryptoki: Cryptoki, handle: Handle, slot: TokenSlot) {
    this.cryptoki = cryptoki;
    this.handle = handle;
    this.slot = slot;
    this.objects = new TokenObjects(cryptoki, handle);
    this.#finder = new KeyFinder(this.objects);
  }

  static open(cryptoki: Cryptoki, slot: TokenSlot): Pkcs11Session {
    // AWS CloudHSM refuses to sign in a read-only session.
    const flags = CKF_SERIAL_SESSION | CKF_RW_SESSION;
    return attempt(
      "C_OpenSession",
      () => new Pkcs11Session(cryptoki, cryptoki.C_OpenSession(slot.handle, flags), slot),
    );
  }

  /** Logs the user in, for all sessions of this process with the token; right also where that was done before. */
  login(pin: string): void {
    try {
      this.cryptoki.C_Login(this.handle, CKU_USER, pin);
    } catch (error) {
      if (returnValueOf(error) === CKR.USER_ALREADY_LOGGED_IN) return;
      throw pkcs11Error(error, { operation: "C_Login" });
    }
  }

  /** Whether the user is logged in. Without that, private keys do not show. */
  isLoggedIn(): boolean {
    return attempt(
      "C_GetSessionInfo",
      () => this.cryptoki.C_GetSessionInfo(this.handle).state === CKS_RW_USER_FUNCTIONS,
    );
  }

  /** Whether the token offers CKM_ECDSA for signing. */
  offersEcdsa(): boolean {
    return attempt("C_GetMechanismList", () => {
      if (!this.cryptoki.C_GetMechanismList(this.slot.handle).includes(CKM.ECDSA)) return false;
      return (this.cryptoki.C_GetMechanismInfo(this.slot.handle, CKM.ECDSA).flags & CKF_SIGN) !== 0;
    });
  }

  findKey(selector: KeySelector, publicKey: Uint8Array | undefined): KeyObject {
    return attempt("C_FindObjects", () => this.#finder.find(selector, publicKey));
  }

  findNamed(name: KeyName): KeyObject {
    return attempt("C_FindObjects", () => this.#finder.findNamed(name));
  }

  /** The private key of that handle, checked; its public key is read. */
  inspect(handle: Handle, name: KeyName, lookup?: ObjectLookup): KeyObject {
    return attempt("C_GetAttributeValue", () => this.#finder.inspect(handle, name, { lookup }));
  }

  /**
   * Signs exactly these 32 bytes with CKM_ECDSA (PKCS#11 v2.40 mechanisms, section 2.3.6), off the event loop.
   *
   * After a failure the session may be stuck in the operation: close it.
   */
  async sign(key: KeyObject, digest: Uint8Array): Promise<RawSignature> {
    const input = Buffer.from(digest);
    const output = Buffer.alloc(SIGNATURE_CAPACITY);
    return holding([input, output], () =>
      attemptAsync("C_Sign", async () => {
        this.cryptoki.C_SignInit(this.handle, { mechanism: CKM.ECDSA }, key.handle);
        return signatureFromCompact(await this.cryptoki.C_SignAsync(this.handle, input, output));
      }),
    );
  }

  /** Never throws: a session that cannot be closed is gone already. The last one of a process logs its user out. */
  close(): void {
    try {
      this.cryptoki.C_CloseSession(this.handle);
    } catch {
      // The token, the module or the session went away before; nothing is left to close.
    }
  }
}
