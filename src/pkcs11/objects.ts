import { CKA } from "./attributes.ts";
import { CKR, returnValueOf } from "./errors.ts";
import type { Cryptoki } from "./module.ts";

/** A CK_OBJECT_HANDLE or CK_SESSION_HANDLE as pkcs11js hands it over; an object's is good for the sessions of one login. */
export type Handle = Buffer;

export type Template = Parameters<Cryptoki["C_FindObjectsInit"]>[1];

// How many handles one C_FindObjects asks for.
const PAGE = 64;

/** One session's view of the token's objects (PKCS#11 v2.40, section 5.7). It throws what the module throws. */
export class TokenObjects {
  readonly #cryptoki: Cryptoki;
  readonly #session: Handle;

  constructor(cryptoki: Cryptoki, session: Handle) {
    this.#cryptoki = cryptoki;
    this.#session = session;
  }

  /** The objects that fit, `limit` at most, without a turn of the event loop in between. */
  find(template: Template, limit: number): Handle[] {
    this.#cryptoki.C_FindObjectsInit(this.#session, template);
    try {
      const found: Handle[] = [];
      while (found.length < limit) {
        // A module may answer fewer than asked for before the end.
        const page = this.#cryptoki.C_FindObjects(this.#session, Math.min(limit - found.length, PAGE));
        if (page.length === 0) break;
        found.push(...page);
      }
      return found;
    } finally {
      this.#cryptoki.C_FindObjectsFinal(this.#session);
    }
  }

  /** All objects that fit, page by page, with a turn of the event loop after each; an abort ends it early. */
  async findAll(template: Template, signal: AbortSignal | undefined): Promise<Handle[]> {
    this.#cryptoki.C_FindObjectsInit(this.#session, template);
    try {
      const found: Handle[] = [];
      while (!signal?.aborted) {
        const page = this.#cryptoki.C_FindObjects(this.#session, PAGE);
        if (page.length === 0) break;
        found.push(...page);
        await nextTurn();
      }
      return found;
    } finally {
      this.#cryptoki.C_FindObjectsFinal(this.#session);
    }
  }

  /** The attribute's bytes; undefined where the object does not have it, or does not show it. */
  read(handle: Handle, type: number): Uint8Array | undefined {
    return this.#readTogether(handle, [type])?.[0];
  }

  /** The same for several attributes, in one call where the object has them all. */
  readAll(handle: Handle, types: readonly number[]): (Uint8Array | undefined)[] {
    return this.#readTogether(handle, types) ?? types.map((type) => this.read(handle, type));
  }

  /** CKA_LABEL and CKA_ID; empty where the object has none. */
  readName(handle: Handle): { readonly label: Uint8Array; readonly id: Uint8Array } {
    const [label = new Uint8Array(), id = new Uint8Array()] = this.readAll(handle, [CKA.LABEL, CKA.ID]);
    return { label, id };
  }

  destroy(handle: Handle): void {
    this.#cryptoki.C_DestroyObject(this.#session, handle);
  }

  #readTogether(handle: Handle, types: readonly number[]): (Uint8Array | undefined)[] | undefined {
    try {
      const template = types.map((type) => ({ type }));
      const values = this.#cryptoki.C_GetAttributeValue(this.#session, handle, template);
      return values.map(({ value }) => (Buffer.isBuffer(value) ? Uint8Array.from(value) : undefined));
    } catch (error) {
      const hidden: (number | undefined)[] = [CKR.ATTRIBUTE_TYPE_INVALID, CKR.ATTRIBUTE_SENSITIVE];
      if (hidden.includes(returnValueOf(error))) return undefined;
      throw error;
    }
  }
}

/** Lets the event loop do what waits: the calls of a module that find and read objects block it. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
