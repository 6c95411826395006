import { randomBytes } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import type * as pkcs11js from "pkcs11js";
import type { Cryptoki, Handle, KeyPairHandles, LibraryInfo, SlotInfo, Template, TokenInfo } from "./cryptoki.ts";
import { pkcs11Error, returnValueOf } from "./errors.ts";
import { CKR } from "./return-values.ts";

// PKCS#11 v2.40, header pkcs11t.h.
const CKF_OS_LOCKING_OK = 0x2;
const CKF_RW_SESSION = 0x2;
const CKF_SERIAL_SESSION = 0x4;
const CKU_USER = 1;
const CKU_CONTEXT_SPECIFIC = 2;
const CK_UNAVAILABLE_INFORMATION = 0xffff_ffff;

// What the library answers of a session that is gone.
const GONE: readonly (number | undefined)[] = [CKR.SESSION_CLOSED, CKR.SESSION_HANDLE_INVALID];

// r‖s of secp256k1 has 64 bytes. A library that returns more is caught by the decoder rather than by a truncation.
const SIGNATURE_CAPACITY = 256;
// How many handles one C_FindObjects asks for.
const PAGE = 64;

/**
 * A library that runs in this process, by pkcs11js. Signing, generating and unwrapping run on libuv's threads; all other
 * calls block the event loop while the library works.
 *
 * Libraries give the handle of a closed session out again, also of one that other code closed. The handles given out here are
 * never the same: one whose session is gone, or whose handle belongs to another session by now, reaches no call of the library.
 */
export class LocalCryptoki implements Cryptoki {
  readonly isIsolated = false;
  readonly #library: pkcs11js.PKCS11;
  /** The library's own handles of the sessions, by those given out here. */
  readonly #sessions = new Map<string, Handle>();
  /**
   * Calls that run on other threads, by the library's handle of their session, and their operands: a native module may read and write
   * these when nothing else refers to them.
   */
  readonly #running = new Map<string, { readonly result: Promise<unknown>; readonly operands: readonly unknown[] }>();

  constructor(library: pkcs11js.PKCS11) {
    this.#library = library;
  }

  get isBusy(): boolean {
    return this.#running.size > 0;
  }

  async initialize(libraryParameters?: string): Promise<boolean> {
    this.#sessions.clear();
    try {
      // Signatures run on several threads (section 5.4).
      this.#library.C_Initialize({
        flags: CKF_OS_LOCKING_OK,
        ...(libraryParameters !== undefined && { libraryParameters }),
      });
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
      const { slotDescription, manufacturerID, flags } = this.#library.C_GetSlotInfo(slot);
      return { description: trimmed(slotDescription), manufacturer: trimmed(manufacturerID), flags };
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
    return attempt("C_OpenSession", () => {
      const own = this.#library.C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION);
      const session = this.#giveOut(own);
      const running = this.#running.get(textOf(own));
      if (!running) return session;
      // A session of before, which is gone, has a call in the library under this handle: this one is for nothing.
      const close = () => void this.closeSession(session).catch(() => undefined);
      running.result.then(close, close);
      return this.openSession(slot);
    });
  }

  closeSession(session: Handle): Promise<void> {
    return this.#in(session, "C_CloseSession", (own) => {
      this.#sessions.delete(textOf(session));
      this.#library.C_CloseSession(own);
    });
  }

  getSessionState(session: Handle): Promise<number> {
    return this.#in(session, "C_GetSessionInfo", (own) => this.#library.C_GetSessionInfo(own).state);
  }

  login(session: Handle, pin: string): Promise<void> {
    return this.#in(session, "C_Login", (own) => {
      try {
        this.#library.C_Login(own, CKU_USER, pin);
      } catch (error) {
        if (returnValueOf(error) !== CKR.USER_ALREADY_LOGGED_IN) throw error;
      }
    });
  }

  findObjects(session: Handle, template: Template, limit: number): Promise<Handle[]> {
    return this.#in(session, "C_FindObjects", async (own) => {
      this.#library.C_FindObjectsInit(own, template as pkcs11js.Template);
      const found: Handle[] = [];
      try {
        while (found.length < limit) {
          if (found.length > 0) await setImmediate();
          // A module may answer fewer than asked for before the end.
          const page = this.#library.C_FindObjects(this.#own(session), Math.min(limit - found.length, PAGE));
          if (page.length === 0) break;
          found.push(...page);
        }
      } catch (error) {
        this.#endSearch(session);
        throw error;
      }
      this.#library.C_FindObjectsFinal(this.#own(session));
      return found;
    });
  }

  getAttributes(session: Handle, object: Handle, types: readonly number[]): Promise<(Uint8Array | undefined)[]> {
    return this.#in(
      session,
      "C_GetAttributeValue",
      (own) => this.#readTogether(own, object, types) ?? types.map((type) => this.#read(own, object, type)),
    );
  }

  createObject(session: Handle, template: Template): Promise<Handle> {
    return this.#in(session, "C_CreateObject", (own) =>
      this.#library.C_CreateObject(own, template as pkcs11js.Template),
    );
  }

  async destroyObject(session: Handle, object: Handle): Promise<void> {
    await this.#in(session, "C_DestroyObject", (own) => this.#library.C_DestroyObject(own, object));
  }

  generateKeyPair(
    session: Handle,
    mechanism: number,
    publicKey: Template,
    privateKey: Template,
  ): Promise<KeyPairHandles> {
    const [publicTemplate, privateTemplate] = [publicKey as pkcs11js.Template, privateKey as pkcs11js.Template];
    return this.#inThread(session, "C_GenerateKeyPair", [publicTemplate, privateTemplate], (own) =>
      this.#library.C_GenerateKeyPairAsync(own, { mechanism }, publicTemplate, privateTemplate),
    );
  }

  unwrapKey(session: Handle, mechanism: number, wrappingKey: Handle, wrapped: Buffer, key: Template): Promise<Handle> {
    return this.#inThread(session, "C_UnwrapKey", [wrapped, key], (own) =>
      this.#library.C_UnwrapKeyAsync(own, { mechanism }, wrappingKey, wrapped, key as pkcs11js.Template),
    );
  }

  sign(session: Handle, mechanism: number, key: Handle, data: Uint8Array, pin?: string): Promise<Uint8Array> {
    const input = Buffer.from(data);
    const output = Buffer.alloc(SIGNATURE_CAPACITY);
    return this.#inThread(session, "C_Sign", [input, output], (own) => {
      this.#library.C_SignInit(own, { mechanism }, key);
      if (pin !== undefined) this.#library.C_Login(own, CKU_CONTEXT_SPECIFIC, pin);
      return this.#library.C_SignAsync(own, input, output);
    });
  }

  // What the search failed with counts. A session whose search cannot be ended is not used again.
  #endSearch(session: Handle): void {
    try {
      this.#library.C_FindObjectsFinal(this.#own(session));
    } catch {
      // The session went with the search.
    }
  }

  #giveOut(own: Handle): Handle {
    for (const [text, other] of this.#sessions) if (other.equals(own)) this.#sessions.delete(text);
    // Those of an earlier process of the library must not be those of this one.
    const session = randomBytes(8);
    this.#sessions.set(textOf(session), own);
    return session;
  }

  /** The library's own handle of the session. @throws what the library answers of a session that is gone. */
  #own(session: Handle): Handle {
    const own = this.#sessions.get(textOf(session));
    if (!own) throw new Error(`CKR_SESSION_HANDLE_INVALID:${CKR.SESSION_HANDLE_INVALID}`);
    return own;
  }

  #in<T>(session: Handle, operation: string, call: (own: Handle) => T | Promise<T>): Promise<T> {
    return attempt(operation, async () => {
      try {
        return await call(this.#own(session));
      } catch (error) {
        if (GONE.includes(returnValueOf(error))) this.#sessions.delete(textOf(session));
        throw error;
      }
    });
  }

  #inThread<T>(
    session: Handle,
    operation: string,
    operands: readonly unknown[],
    call: (own: Handle) => Promise<T>,
  ): Promise<T> {
    return this.#in(session, operation, async (own) => {
      const name = textOf(own);
      const result = call(own);
      this.#running.set(name, { result, operands });
      try {
        return await result;
      } finally {
        this.#running.delete(name);
      }
    });
  }

  #read(own: Handle, object: Handle, type: number): Uint8Array | undefined {
    return this.#readTogether(own, object, [type])?.[0];
  }

  #readTogether(own: Handle, object: Handle, types: readonly number[]): (Uint8Array | undefined)[] | undefined {
    try {
      const template = types.map((type) => ({ type }));
      const values = this.#library.C_GetAttributeValue(own, object, template);
      return values.map(({ value }) => (Buffer.isBuffer(value) ? Uint8Array.from(value) : undefined));
    } catch (error) {
      const hidden: (number | undefined)[] = [CKR.ATTRIBUTE_TYPE_INVALID, CKR.ATTRIBUTE_SENSITIVE];
      if (hidden.includes(returnValueOf(error))) return undefined;
      throw error;
    }
  }
}

function textOf(handle: Handle): string {
  return handle.toString("hex");
}

/** The result of `call`; what the library throws in it becomes a SignerError of that operation. */
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
