/** A CK_SLOT_ID, CK_SESSION_HANDLE or CK_OBJECT_HANDLE: a CK_ULONG in the machine's byte order, as pkcs11js hands it over. */
export type Handle = Buffer;

export type Template = readonly { readonly type: number; readonly value: Buffer | string | number | boolean }[];

/** What C_GetInfo says of the library. */
export interface LibraryInfo {
  /** The library's own description of itself. */
  readonly description: string;
  /** Who made it. */
  readonly manufacturer: string;
  /** `major.minor`. */
  readonly version: string;
  /** The version of PKCS#11 that it speaks, `major.minor`. */
  readonly cryptokiVersion: string;
}

/** What C_GetTokenInfo says of a token. Counts that the token does not tell are undefined. */
export interface TokenInfo {
  /** The token's label, without the padding. */
  readonly label: string;
  /** Who made the token. */
  readonly manufacturer: string;
  /** The token's model. */
  readonly model: string;
  /** The token's serial number, as text. */
  readonly serialNumber: string;
  /** CKF_* bits. */
  readonly flags: number;
  /** Sessions that are open with it; undefined if it does not tell. */
  readonly sessions: number | undefined;
  /** How many may be open; undefined if there is no limit, or it does not tell. */
  readonly maxSessions: number | undefined;
}

/** What C_GetSlotInfo says of a slot. */
export interface SlotInfo {
  readonly description: string;
  readonly manufacturer: string;
  /** CKF_* bits. */
  readonly flags: number;
}

/** A slot that holds an initialised token (CKF_TOKEN_INITIALIZED): others have no label, no PIN and no keys. */
export interface TokenSlot {
  readonly handle: Handle;
  readonly label: string;
  /** What tells the token from others of this machine. */
  readonly identity: string;
  /** Whether the token asks for the PIN itself (CKF_PROTECTED_AUTHENTICATION_PATH), and needs one. */
  readonly hasPinPad: boolean;
}

/**
 * The calls of a PKCS#11 library that this package makes, wherever the library runs (PKCS#11 v2.40, section 5).
 *
 * Each is one call of the library, or several that must not be torn apart. A session takes one at a time: the caller sees to
 * that. They throw SignerErrors whose `info.returnValue` is the library's return value.
 */
export interface Cryptoki {
  /** Whether the library runs in a process of its own, which may end at any time without harm to this one. */
  readonly isIsolated: boolean;
  /** Whether a call is in the library, under which it must not be finalised. Always false if it is isolated. */
  readonly isBusy: boolean;
  /**
   * C_Initialize with locking by the operating system; false if other code of the process had initialised it.
   *
   * @param parameters what the library needs to start, as NSS does.
   */
  initialize(parameters?: string): Promise<boolean>;
  /** C_Finalize. No other call may be in flight. */
  finalize(): Promise<void>;
  /** Ends the process of the library's own, if there is one; the library in this process stays as it is. */
  end(): Promise<void>;
  getInfo(): Promise<LibraryInfo>;
  /** The slots with a token, initialised or not. */
  getSlots(): Promise<Handle[]>;
  getSlotInfo(slot: Handle): Promise<SlotInfo>;
  getTokenInfo(slot: Handle): Promise<TokenInfo>;
  /** The CKF_* bits of C_GetMechanismInfo; undefined where the token does not offer the mechanism. */
  getMechanismFlags(slot: Handle, mechanism: number): Promise<number | undefined>;
  /** A serial read-write session: AWS CloudHSM refuses to sign in a read-only one. */
  openSession(slot: Handle): Promise<Handle>;
  closeSession(session: Handle): Promise<void>;
  /** The CKS_* state of C_GetSessionInfo. */
  getSessionState(session: Handle): Promise<number>;
  /**
   * C_Login of CKU_USER, for all sessions of the process with the token; right also where that was done before. pkcs11js cannot
   * pass a null pointer: a PIN without characters stands for the token's own PIN pad.
   */
  login(session: Handle, pin: string): Promise<void>;
  /** C_FindObjectsInit, C_FindObjects and C_FindObjectsFinal: the objects that fit, `limit` at most. */
  findObjects(session: Handle, template: Template, limit: number): Promise<Handle[]>;
  /** The attributes' bytes; undefined for those that the object does not have, or does not show. */
  getAttributes(session: Handle, object: Handle, types: readonly number[]): Promise<(Uint8Array | undefined)[]>;
  createObject(session: Handle, template: Template): Promise<Handle>;
  destroyObject(session: Handle, object: Handle): Promise<void>;
  generateKeyPair(
    session: Handle,
    mechanism: number,
    publicKey: Template,
    privateKey: Template,
  ): Promise<KeyPairHandles>;
  unwrapKey(session: Handle, mechanism: number, wrappingKey: Handle, wrapped: Buffer, key: Template): Promise<Handle>;
  /**
   * C_SignInit and C_Sign, and between them, with a PIN, C_Login of CKU_CONTEXT_SPECIFIC. A failure may leave the session in the
   * operation: close it then.
   */
  sign(session: Handle, mechanism: number, key: Handle, data: Uint8Array, pin?: string): Promise<Uint8Array>;
}

export interface KeyPairHandles {
  readonly publicKey: Handle;
  readonly privateKey: Handle;
}
