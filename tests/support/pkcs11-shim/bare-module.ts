import { secp256k1 } from "@noble/curves/secp256k1.js";
import { computeAddress, getBytes } from "ethers";
import pkcs11js, { type PKCS11 } from "pkcs11js";

const CAPACITY = 256;

/** A PKCS#11 module as pkcs11js shows it, without anything of this library: what an application's other code would use. */
export class BareModule {
  readonly cryptoki: PKCS11;

  constructor(libraryPath: string) {
    this.cryptoki = new pkcs11js.PKCS11();
    this.cryptoki.load(libraryPath);
    try {
      this.cryptoki.C_Initialize({ flags: pkcs11js.CKF_OS_LOCKING_OK });
    } catch (error) {
      if ((error as { code?: number }).code !== pkcs11js.CKR_CRYPTOKI_ALREADY_INITIALIZED) throw error;
    }
  }

  slot(tokenLabel: string): Buffer {
    const slots = this.cryptoki.C_GetSlotList(true);
    const slot = slots.find((each) => this.cryptoki.C_GetTokenInfo(each).label.trimEnd() === tokenLabel);
    if (!slot) throw new Error(`no token is labelled ${tokenLabel}`);
    return slot;
  }

  /** A session of its own, logged in. */
  open(tokenLabel: string, pin: string): BareSession {
    const flags = pkcs11js.CKF_SERIAL_SESSION | pkcs11js.CKF_RW_SESSION;
    const session = this.cryptoki.C_OpenSession(this.slot(tokenLabel), flags);
    try {
      this.cryptoki.C_Login(session, pkcs11js.CKU_USER, pin);
    } catch (error) {
      if ((error as { code?: number }).code !== pkcs11js.CKR_USER_ALREADY_LOGGED_IN) throw error;
    }
    return new BareSession(this.cryptoki, session);
  }
}

export class BareSession {
  readonly handle: Buffer;
  readonly #cryptoki: PKCS11;

  constructor(cryptoki: PKCS11, handle: Buffer) {
    this.#cryptoki = cryptoki;
    this.handle = handle;
  }

  findKey(label: string): Buffer {
    this.#cryptoki.C_FindObjectsInit(this.handle, [
      { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_PRIVATE_KEY },
      { type: pkcs11js.CKA_LABEL, value: label },
    ]);
    const [key] = this.#cryptoki.C_FindObjects(this.handle, 1);
    this.#cryptoki.C_FindObjectsFinal(this.handle);
    if (!key) throw new Error(`no private key is labelled ${label}`);
    return key;
  }

  beginSigning(key: Buffer): void {
    this.#cryptoki.C_SignInit(this.handle, { mechanism: pkcs11js.CKM_ECDSA }, key);
  }

  /** What the module answers to C_Sign, on a thread of libuv. */
  async finishSigning(digest: string): Promise<Buffer> {
    return this.#cryptoki.C_SignAsync(this.handle, Buffer.from(getBytes(digest)), Buffer.alloc(CAPACITY));
  }

  async sign(key: Buffer, digest: string): Promise<Buffer> {
    this.beginSigning(key);
    return this.finishSigning(digest);
  }

  close(): void {
    this.#cryptoki.C_CloseSession(this.handle);
  }
}

/** The two addresses that r‖s over that digest may be by; none where it is no signature. */
export function possibleSigners(digest: string, signature: Uint8Array): string[] {
  if (signature.length !== 64) return [];
  return [0, 1].flatMap((recovery) => {
    try {
      const key = secp256k1.Signature.fromBytes(signature).addRecoveryBit(recovery).recoverPublicKey(getBytes(digest));
      return computeAddress(`0x${key.toHex(false)}`);
    } catch {
      return [];
    }
  });
}
