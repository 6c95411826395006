import type * as pkcs11js from "pkcs11js";
import type { Cryptoki, Handle, KeyPairHandles, LibraryInfo, SlotInfo, Template, TokenInfo } from "./cryptoki.ts";
import { CKR, pkcs11Error, returnValueOf } from "./errors.ts";
import { holding } from "./in-flight.ts";
import { nextTurn } from "./next-turn.ts";

// PKCS#11 v2.40, header pkcs11t.h.
const CKF_OS_LOCKING_OK = 0x2;
const CKF_RW_SESSION = 0x2;
const CKF_SERIAL_SESSION = 0x4;
const CKU_USER = 1;
const CK_UNAVAILABLE_INFORMATION = 0xffff_ffff;

// r‖s of secp256k1 has 64 bytes. A library that gives more is caught by the decoder rather than by a truncation.
const SIGNATURE_CAPACITY = 256;
// How many handles one C_FindObjects asks for.
const PAGE = 64;

/**
 * A library that runs in this process, by pkcs11js. Signing, generating and unwrapping run on libuv's threads; all other
 * calls block the event loop while the library works.
 */
export class LocalCryptoki implements Cryptoki {
  readonly isIsolated = false;
  readonly #library: pkcs11js.PKCS11;

  constructor(library: pkcs11js.PKCS11) {
    this.#library = library;
  }

  async initialize(): Promise<boolean> {
    try {
      // Signatures run on several threads (section 5.4).
      this.#library.C_Initialize({ flags: CKF_OS_LOCKING_OK });
      return true;
    } catch (error) {
      if (returnValueOf(error) === CKR.CRYPTOKI_ALREADY_INITIALIZED) return false;
      throw pkcs11Error(error, { operation: "C_Initialize" });
    }
  }

  async finalize(): Promise<void> {
    await attempt("C_Finalize", () => this.#library.C_Finalize());
  }

  async end(): Promise<void> {}

  getInfo(): Promise<LibraryInfo> {
    return attempt("C_GetInfo", () => {
      const { libraryDescription, manufacturerID, libraryVersion, cryptokiVersion } = this.#library.C_GetInfo();
      return {
        description: trimmed(libraryDescription),
        manufacturer: trimmed(manufacturerID),
        version: versionText(libraryVersion),
        cryptokiVersion: versionText(cryptokiVersion),
      };
    });
  }

  getSlots(): Promise<Handle[]> {
    return attempt("C_GetSlotList", () => this.#library.C_GetSlotList(true));
  }

  getSlotInfo(slot: Handle): Promise<SlotInfo> {
    return attempt("C_GetSlotInfo", () => {
      const { slotDescription, manufacturerID } = this.#library.C_GetSlotInfo(slot);
      return { description: trimmed(slotDescription), manufacturer: trimmed(manufacturerID) };
    });
  }

  getTokenInfo(slot: Handle): Promise<TokenInfo> {
    return attempt("C_GetTokenInfo", () => {
      const info = this.#library.C_GetTokenInfo(slot);
      return {
        label: trimmed(info.label),
        manufacturer: trimmed(info.manufacturerID),
        model: trimmed(info.model),
        serialNumber: trimmed(info.serialNumber),
        flags: info.flags,
        sessions: count(info.sessionCount),
        // 0 stands for "as many as you like" (CK_EFFECTIVELY_INFINITE).
        maxSessions: count(info.maxSessionCount) || undefined,
      };
    });
  }

  getMechanismFlags(slot: Handle, mechanism: number): Promise<number | undefined> {
    return attempt("C_GetMechanismList", () => {
      if (!this.#library.C_GetMechanismList(slot).includes(mechanism)) return undefined;
      return this.#library.C_GetMechanismInfo(slot, mechanism).flags;
    });
  }

  openSession(slot: Handle): Promise<Handle> {
    return attempt("C_OpenSession", () => this.#library.C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION));
  }

  async closeSession(session: Handle): Promise<void> {
    await attempt("C_CloseSession", () => this.#library.C_CloseSession(session));
  }

  getSessionState(session: Handle): Promise<number> {
    return attempt("C_GetSessionInfo", () => this.#library.C_GetSessionInfo(session).state);
  }

  async login(session: Handle, pin: string): Promise<void> {
    try {
      this.#library.C_Login(session, CKU_USER, pin);
    } catch (error) {
      if (returnValueOf(error) === CKR.USER_ALREADY_LOGGED_IN) return;
      throw pkcs11Error(error, { operation: "C_Login" });
    }
  }

  findObjects(session: Handle, template: Template, limit: number): Promise<Handle[]> {
    return attempt("C_FindObjects", async () => {
      this.#library.C_FindObjectsInit(session, template as pkcs11js.Template);
      try {
        const found: Handle[] = [];
        while (found.length < limit) {
          if (found.length > 0) await nextTurn();
          // A module may answer fewer than asked for before the end.
          const page = this.#library.C_FindObjects(session, Math.min(limit - found.length, PAGE));
          if (page.length === 0) break;
          found.push(...page);
        }
        return found;
      } finally {
        this.#library.C_FindObjectsFinal(session);
      }
    });
  }

  getAttributes(session: Handle, object: Handle, types: readonly number[]): Promise<(Uint8Array | undefined)[]> {
    return attempt(
      "C_GetAttributeValue",
      () => this.#readTogether(session, object, types) ?? types.map((type) => this.#read(session, object, type)),
    );
  }

  createObject(session: Handle, template: Template): Promise<Handle> {
    return attempt("C_CreateObject", () => this.#library.C_CreateObject(session, template as pkcs11js.Template));
  }

  async destroyObject(session: Handle, object: Handle): Promise<void> {
    await attempt("C_DestroyObject", () => this.#library.C_DestroyObject(session, object));
  }

  generateKeyPair(
    session: Handle,
    mechanism: number,
    publicKey: Template,
    privateKey: Template,
  ): Promise<KeyPairHandles> {
    const [publicTemplate, privateTemplate] = [publicKey as pkcs11js.Template, privateKey as pkcs11js.Template];
    return holding([publicTemplate, privateTemplate], () =>
      attempt("C_GenerateKeyPair", () =>
        this.#library.C_GenerateKeyPairAsync(session, { mechanism }, publicTemplate, privateTemplate),
      ),
    );
  }

  unwrapKey(session: Handle, mechanism: number, wrappingKey: Handle, wrapped: Buffer, key: Template): Promise<Handle> {
    return holding([wrapped, key], () =>
      attempt("C_UnwrapKey", () =>
        this.#library.C_UnwrapKeyAsync(session, { mechanism }, wrappingKey, wrapped, key as pkcs11js.Template),
      ),
    );
  }

  sign(session: Handle, mechanism: number, key: Handle, data: Uint8Array): Promise<Uint8Array> {
    const input = Buffer.from(data);
    const output = Buffer.alloc(SIGNATURE_CAPACITY);
    return holding([input, output], () =>
      attempt("C_Sign", async () => {
        this.#library.C_SignInit(session, { mechanism }, key);
        return this.#library.C_SignAsync(session, input, output);
      }),
    );
  }

  #read(session: Handle, object: Handle, type: number): Uint8Array | undefined {
    return this.#readTogether(session, object, [type])?.[0];
  }

  #readTogether(session: Handle, object: Handle, types: readonly number[]): (Uint8Array | undefined)[] | undefined {
    try {
      const template = types.map((type) => ({ type }));
      const values = this.#library.C_GetAttributeValue(session, object, template);
      return values.map(({ value }) => (Buffer.isBuffer(value) ? Uint8Array.from(value) : undefined));
    } catch (error) {
      const hidden: (number | undefined)[] = [CKR.ATTRIBUTE_TYPE_INVALID, CKR.ATTRIBUTE_SENSITIVE];
      if (hidden.includes(returnValueOf(error))) return undefined;
      throw error;
    }
  }
}

/** What `call` gives; what the library throws in it becomes a SignerError of that operation. */
async function attempt<T>(operation: string, call: () => T | Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw pkcs11Error(error, { operation });
  }
}

// Labels are padded with blanks, by some libraries with zeros (section 3).
function trimmed(text: string): string {
  return text.replace(/[ \0]+$/, "");
}

function versionText({ major, minor }: pkcs11js.Version): string {
  return `${major}.${minor}`;
}

// CK_ULONG has 64 bits on most machines, of which pkcs11js keeps what a number holds.
function count(value: number): number | undefined {
  return value >= CK_UNAVAILABLE_INFORMATION || value < 0 ? undefined : value;
}
