import { CKA } from "./attributes.ts";
import type { Cryptoki, Handle, KeyPairHandles, Template } from "./cryptoki.ts";
import { type KeyName, keyName } from "./key-name.ts";
import type { ObjectGate } from "./object-gate.ts";

/** One session's view of the token's objects (PKCS#11 v2.40, section 5.7). */
export class TokenObjects {
  readonly #cryptoki: Cryptoki;
  readonly #session: Handle;
  readonly #gate: ObjectGate;
  readonly #signal: AbortSignal;

  /** `signal` ends the wait for the library's turn, of all calls but `destroy`, which cleans up. */
  constructor(cryptoki: Cryptoki, session: Handle, gate: ObjectGate, signal: AbortSignal) {
    this.#cryptoki = cryptoki;
    this.#session = session;
    this.#gate = gate;
    this.#signal = signal;
  }

  /** The objects that fit, `limit` at most. */
  find(template: Template, limit = Number.POSITIVE_INFINITY): Promise<Handle[]> {
    return this.#gate.run("search", () => this.#cryptoki.findObjects(this.#session, template, limit), this.#signal);
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
    return this.#gate.run("change", () => this.#cryptoki.createObject(this.#session, template), this.#signal);
  }

  destroy(handle: Handle): Promise<void> {
    return this.#gate.run("change", () => this.#cryptoki.destroyObject(this.#session, handle));
  }

  generateKeyPair(mechanism: number, publicKey: Template, privateKey: Template): Promise<KeyPairHandles> {
    const generate = () => this.#cryptoki.generateKeyPair(this.#session, mechanism, publicKey, privateKey);
    return this.#gate.run("change", generate, this.#signal);
  }

  unwrap(mechanism: number, wrappingKey: Handle, wrapped: Buffer, key: Template): Promise<Handle> {
    const unwrap = () => this.#cryptoki.unwrapKey(this.#session, mechanism, wrappingKey, wrapped, key);
    return this.#gate.run("change", unwrap, this.#signal);
  }
}
