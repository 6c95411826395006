import { type BytesLike, concat, getBytes, SigningKey, toBeHex } from "ethers";
import pkcs11js, { type PKCS11 } from "pkcs11js";

const SECP256K1_PARAMS = getBytes("0x06052b8104000a");
const LABEL_LENGTH = 32;
// PKCS#11 v2.40, header pkcs11t.h; pkcs11js declares these states but does not have them.
const CKS_RO_USER_FUNCTIONS = 1;

export interface KeyDescription {
  readonly label: string;
  /** CKA_ID. Default: 0x01. */
  readonly id?: BytesLike;
  /** The DER of CKA_EC_PARAMS. Default: secp256k1's. */
  readonly curve?: BytesLike;
  /** CKA_SIGN. Default: true. */
  readonly sign?: boolean;
  /** CKA_ALWAYS_AUTHENTICATE. Default: false. */
  readonly alwaysAuthenticate?: boolean;
  /** CKA_SENSITIVE. Default: true. */
  readonly sensitive?: boolean;
  /** CKA_EXTRACTABLE. Default: false. */
  readonly extractable?: boolean;
  /** Whether the token gets a public object as well, and with which CKA_ID. Default: true, the private one's. */
  readonly publicObject?: boolean | { readonly id: BytesLike; readonly label?: string };
}

// For the life of the process: pkcs11js unloads a library whose object is collected.
let cryptoki: PKCS11 | undefined;

function load(libraryPath: string): PKCS11 {
  if (cryptoki) return cryptoki;
  cryptoki = new pkcs11js.PKCS11();
  cryptoki.load(libraryPath);
  try {
    cryptoki.C_Initialize({ flags: pkcs11js.CKF_OS_LOCKING_OK });
  } catch (error) {
    if ((error as { code?: number }).code !== pkcs11js.CKR_CRYPTOKI_ALREADY_INITIALIZED) throw error;
  }
  return cryptoki;
}

/**
 * A token of SoftHSM2 that this process initialised, in the token folder that SOFTHSM2_CONF names. It stands in for a real
 * HSM: keys are made or imported by PKCS#11 alone, sensitive and not extractable.
 */
export class SoftHsmToken {
  readonly libraryPath: string;
  readonly label: string;
  readonly pin: string;
  readonly slot: bigint;
  readonly #slot: Buffer;

  private constructor(libraryPath: string, label: string, pin: string, slot: Buffer) {
    this.libraryPath = libraryPath;
    this.label = label;
    this.pin = pin;
    this.#slot = slot;
    this.slot = slot.readBigUInt64LE();
  }

  /** Initialises the free slot that SoftHSM always shows, and sets the user's PIN. */
  static create(libraryPath: string, label: string, pin = "user-pin-1234"): SoftHsmToken {
    const library = load(libraryPath);
    const soPin = "officer-pin-1234";
    const padded = label.padEnd(LABEL_LENGTH, " ");
    const uninitialised = library.C_GetSlotList(true).find((slot) => !isInitialised(library, slot));
    if (!uninitialised) throw new Error("SoftHSM shows no free slot");
    library.C_InitToken(uninitialised, soPin, padded);
    // SoftHSM gives the slot another number once it holds a token.
    const slots = library
      .C_GetSlotList(true)
      .filter((slot) => isInitialised(library, slot) && library.C_GetTokenInfo(slot).label === padded);
    const slot = slots.at(-1);
    if (!slot) throw new Error(`SoftHSM lost the token ${label}`);
    const session = library.C_OpenSession(slot, pkcs11js.CKF_SERIAL_SESSION | pkcs11js.CKF_RW_SESSION);
    library.C_Login(session, pkcs11js.CKU_SO, soPin);
    library.C_InitPIN(session, pin);
    library.C_Logout(session);
    library.C_CloseSession(session);
    return new SoftHsmToken(libraryPath, label, pin, slot);
  }

  /** A key pair made inside the token, whose private half is never seen. */
  generateKey(description: KeyDescription): void {
    this.withSession((library, session) => {
      const { curve = SECP256K1_PARAMS } = description;
      library.C_GenerateKeyPair(
        session,
        { mechanism: pkcs11js.CKM_EC_KEY_PAIR_GEN },
        [...publicTemplate(description), { type: pkcs11js.CKA_EC_PARAMS, value: buffer(curve) }],
        privateTemplate(description),
      );
    });
  }

  /** A key that the caller knows, so that ethers' Wallet can hold the same. */
  importKey(privateKey: string, description: KeyDescription): void {
    this.withSession((library, session) => {
      const { curve = SECP256K1_PARAMS, publicObject = true } = description;
      const params = { type: pkcs11js.CKA_EC_PARAMS, value: buffer(curve) };
      const value = buffer(toBeHex(privateKey, 32));
      library.C_CreateObject(session, [
        { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_PRIVATE_KEY },
        { type: pkcs11js.CKA_KEY_TYPE, value: pkcs11js.CKK_EC },
        ...privateTemplate(description),
        params,
        { type: pkcs11js.CKA_VALUE, value },
      ]);
      if (publicObject === false) return;
      const point = new SigningKey(privateKey).publicKey;
      library.C_CreateObject(session, [
        { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_PUBLIC_KEY },
        { type: pkcs11js.CKA_KEY_TYPE, value: pkcs11js.CKK_EC },
        ...publicTemplate({ ...description, ...(publicObject === true ? {} : publicObject) }),
        params,
        { type: pkcs11js.CKA_EC_POINT, value: buffer(concat(["0x0441", point])) },
      ]);
    });
  }

  /** Deletes every object with this label. */
  deleteKeys(label: string): void {
    this.withSession((library, session) => {
      library.C_FindObjectsInit(session, [{ type: pkcs11js.CKA_LABEL, value: label }]);
      const objects = library.C_FindObjects(session, 100);
      library.C_FindObjectsFinal(session);
      for (const object of objects) library.C_DestroyObject(session, object);
    });
  }

  /** Whether this process is logged in, which ends with the last of its sessions. */
  isLoggedIn(): boolean {
    const library = load(this.libraryPath);
    const session = library.C_OpenSession(this.#slot, pkcs11js.CKF_SERIAL_SESSION);
    const { state } = library.C_GetSessionInfo(session);
    library.C_CloseSession(session);
    return state === CKS_RO_USER_FUNCTIONS;
  }

  /** Where this process sees it among the slots that hold a token, which depends on how many others made theirs before. */
  slotIndex(): number {
    const library = load(this.libraryPath);
    const slots = library.C_GetSlotList(true).filter((slot) => isInitialised(library, slot));
    return slots.findIndex((slot) => slot.equals(this.#slot));
  }

  /** Closes every session that this process holds with the token, also those of others, and so logs the user out. */
  closeAllSessions(): void {
    load(this.libraryPath).C_CloseAllSessions(this.#slot);
  }

  /** Ends the library for everybody in this process, as careless code does. */
  finalizeLibrary(): void {
    load(this.libraryPath).C_Finalize();
  }

  /** Lends a session of its own, logged in. */
  withSession(use: (library: PKCS11, session: Buffer) => void): void {
    const library = load(this.libraryPath);
    const session = library.C_OpenSession(this.#slot, pkcs11js.CKF_SERIAL_SESSION | pkcs11js.CKF_RW_SESSION);
    try {
      library.C_Login(session, pkcs11js.CKU_USER, this.pin);
    } catch (error) {
      if ((error as { code?: number }).code !== pkcs11js.CKR_USER_ALREADY_LOGGED_IN) throw error;
    }
    try {
      use(library, session);
    } finally {
      // Not logged out: that would log out the sessions of the signers under test. The last session's end does it.
      library.C_CloseSession(session);
    }
  }
}

function isInitialised(library: PKCS11, slot: Buffer): boolean {
  try {
    return (library.C_GetTokenInfo(slot).flags & pkcs11js.CKF_TOKEN_INITIALIZED) !== 0;
  } catch (error) {
    // Another process is making a token in it.
    if ((error as { code?: number }).code === pkcs11js.CKR_GENERAL_ERROR) return true;
    throw error;
  }
}

function buffer(bytes: BytesLike): Buffer {
  return Buffer.from(getBytes(bytes));
}

function privateTemplate(description: KeyDescription) {
  const { label, id = "0x01", sign = true, sensitive = true, extractable = false, alwaysAuthenticate } = description;
  return [
    ...(alwaysAuthenticate ? [{ type: pkcs11js.CKA_ALWAYS_AUTHENTICATE, value: true }] : []),
    { type: pkcs11js.CKA_TOKEN, value: true },
    { type: pkcs11js.CKA_PRIVATE, value: true },
    { type: pkcs11js.CKA_SENSITIVE, value: sensitive },
    { type: pkcs11js.CKA_EXTRACTABLE, value: extractable },
    { type: pkcs11js.CKA_SIGN, value: sign },
    { type: pkcs11js.CKA_LABEL, value: label },
    { type: pkcs11js.CKA_ID, value: buffer(id) },
  ];
}

function publicTemplate({ label, id = "0x01" }: Pick<KeyDescription, "label" | "id">) {
  return [
    { type: pkcs11js.CKA_TOKEN, value: true },
    { type: pkcs11js.CKA_PRIVATE, value: false },
    { type: pkcs11js.CKA_VERIFY, value: true },
    { type: pkcs11js.CKA_LABEL, value: label },
    { type: pkcs11js.CKA_ID, value: buffer(id) },
  ];
}
