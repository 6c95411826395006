import { SignerError } from "../core/errors.ts";
import { type RawSignature, signatureFromCompact } from "../core/signature.ts";
import { CKM } from "./attributes.ts";
import type { Cryptoki, Handle, TokenSlot } from "./cryptoki.ts";
import { returnValueOf } from "./errors.ts";
import type { KeyName } from "./key-name.ts";
import type { ObjectGate } from "./object-gate.ts";
import type { PublicKeyLookup } from "./object-index.ts";
import { TokenObjects } from "./objects.ts";
import type { KeySelector } from "./options.ts";
import { CKR } from "./return-values.ts";
import { KeyFinder, type SigningObject } from "./signing-object.ts";
import { describeToken } from "./slot.ts";

// PKCS#11 v2.40, header pkcs11t.h.
const CKF_SIGN = 0x800;
const CKS_RW_USER_FUNCTIONS = 3;

// What a signature answers without a login of its own, and a module that does not know such a login.
const NO_CONTEXT_LOGIN: readonly (number | undefined)[] = [
  CKR.FUNCTION_NOT_SUPPORTED,
  CKR.USER_NOT_LOGGED_IN,
  CKR.USER_TYPE_INVALID,
];

/** What all sessions of this process with one token share. */
export interface SharedState {
  /** The library's. */
  readonly gate: ObjectGate;
  /** The labels and CKA_IDs of keys that are being made. */
  readonly reserved: Set<string>;
  /** An object that stands for as long as the handles of the token's objects are good. */
  readonly epoch: object;
}

/** A session with a token. It takes one operation at a time: its user sees to that. */
export class Pkcs11Session {
  readonly cryptoki: Cryptoki;
  readonly handle: Handle;
  readonly slot: TokenSlot;
  readonly shared: SharedState;
  readonly objects: TokenObjects;
  readonly #finder: KeyFinder;
  readonly #abandoned = new AbortController();

  private constructor(cryptoki: Cryptoki, handle: Handle, slot: TokenSlot, shared: SharedState) {
    this.cryptoki = cryptoki;
    this.handle = handle;
    this.slot = slot;
    this.shared = shared;
    this.objects = new TokenObjects(cryptoki, handle, shared.gate, this.#abandoned.signal);
    this.#finder = new KeyFinder(this.objects);
  }

  static async open(cryptoki: Cryptoki, slot: TokenSlot, shared: SharedState): Promise<Pkcs11Session> {
    return new Pkcs11Session(cryptoki, await cryptoki.openSession(slot.handle), slot, shared);
  }

  /**
   * What object handles are good for: all sessions of one login, so that a key that one session found is another's too. It
   * changes with a login, or once the library was started again.
   */
  get epoch(): object {
    return this.shared.epoch;
  }

  /** Logs the user in, for all sessions of this process with the token; right also where that was done before. */
  async login(pin: string): Promise<void> {
    await this.cryptoki.login(this.handle, pin);
  }

  /** Whether the user is logged in. Without that, private keys do not show. */
  async isLoggedIn(): Promise<boolean> {
    return (await this.cryptoki.getSessionState(this.handle)) === CKS_RW_USER_FUNCTIONS;
  }

  /** @throws SignerError BACKEND_UNAVAILABLE, after which the token is found again, if another token is in its slot. */
  async requireSameToken(): Promise<void> {
    const { handle, label, identity } = this.slot;
    const current = describeToken(handle, await this.cryptoki.getTokenInfo(handle));
    if (current.identity === identity) return;
    throw new SignerError(
      "BACKEND_UNAVAILABLE",
      `the slot holds another token now: it was ${JSON.stringify(label)} and is ${JSON.stringify(current.label)}`,
      { operation: "C_GetTokenInfo", info: { returnValue: CKR.TOKEN_NOT_PRESENT } },
    );
  }

  /** Whether the token offers CKM_ECDSA for signing. */
  async offersEcdsa(): Promise<boolean> {
    const flags = await this.cryptoki.getMechanismFlags(this.slot.handle, CKM.ECDSA);
    return flags !== undefined && (flags & CKF_SIGN) !== 0;
  }

  findKey(selector: KeySelector, publicKey: Uint8Array | undefined): Promise<SigningObject> {
    return this.#finder.find(selector, publicKey);
  }

  findNamed(name: KeyName): Promise<SigningObject> {
    return this.#finder.findNamed(name);
  }

  /** The private key of that handle, checked; its public key is read. */
  inspect(handle: Handle, name: KeyName, lookup?: PublicKeyLookup): Promise<SigningObject> {
    return this.#finder.inspect(handle, name, { lookup });
  }

  /** @throws SignerError KEY_NOT_FOUND if the token has given the key's handles to other objects. */
  requireSame(key: SigningObject): Promise<void> {
    return this.#finder.requireSame(key);
  }

  /**
   * Signs exactly these 32 bytes with CKM_ECDSA (PKCS#11 v2.40 mechanisms, section 2.3.6), off the event loop.
   *
   * After a failure the session may be stuck in the operation: close it.
   *
   * @param pin for a key that asks for it at each signature.
   */
  async sign(key: SigningObject, digest: Uint8Array, pin?: string): Promise<RawSignature> {
    try {
      return signatureFromCompact(await this.cryptoki.sign(this.handle, CKM.ECDSA, key.handle, digest, pin));
    } catch (error) {
      if (!key.needsPin || !NO_CONTEXT_LOGIN.includes(returnValueOf(error)) || !(await this.isLoggedIn())) throw error;
      throw new SignerError(
        "KEY_UNUSABLE",
        `the key asks for the PIN at each signature (CKA_ALWAYS_AUTHENTICATE), which failed: ${(error as Error).message}. Pass the ` +
          "PIN, or use a key without that attribute",
        { operation: "C_Login", cause: error },
      );
    }
  }

  /** The caller has left: what only waits for its turn in the library ends. */
  abandon(): void {
    this.#abandoned.abort();
  }

  /** Never throws: a session that cannot be closed is gone already. The last one of a process logs its user out. */
  async close(): Promise<void> {
    try {
      await this.cryptoki.closeSession(this.handle);
    } catch {
      // The token, the module or the session went away before; nothing is left to close.
    }
  }
}
