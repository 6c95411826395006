import { CKA } from "./attributes.ts";
import type { Cryptoki, Handle, Template } from "./cryptoki.ts";
import { type KeyName, keyName } from "./key-name.ts";

/** One session's view of the token's objects (PKCS#11 v2.40, section 5.7). */
export class TokenObjects {
  readonly #cryptoki: Cryptoki;
  readonly #session: Handle;

  constructor(cryptoki: Cryptoki, session: Handle) {
    this.#cryptoki = cryptoki;
    this.#session = session;
  }

  /** The objects that fit, `limit` at most. */
  find(template: Template, limit = Number.POSITIVE_INFINITY): Promise<Handle[]> {
    return this.#cryptoki.findObjects(this.#session, template, limit);
  }

  /** The attribute's bytes; undefined where the object does not have it, or does not show it. */
  async read(handle: Handle, type: number): Promise<Uint8Array | undefined> {
    const [value] = await this.readAll(handle, [type]);
    return value;
  }

  /** The same for several attributes, in one call where the object has them all. */
  readAll(handle: Handle, types: readonly number[]): Promise<(Uint8Array | undefined)[]> {
    return this.#cryptoki.getAttributes(this.#session, handle, types);
  }

  /** CKA_LABEL and CKA_ID; empty where the object has none. */
  async readName(handle: Handle): Promise<KeyName> {
    return keyName(await this.readAll(handle, [CKA.LABEL, CKA.ID]));
  }

  create(template: Template): Promise<Handle> {
    return this.#cryptoki.createObject(this.#session, template);
  }

  destroy(handle: Handle): Promise<void> {
    return this.#cryptoki.destroyObject(this.#session, handle);
  }
}
