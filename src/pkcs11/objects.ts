import { CKA } from "./attributes.ts";
import type { Cryptoki, Handle, KeyPairHandles, Template } from "./cryptoki.ts";
import { recoveryFor, returnValueOf } from "./errors.ts";
import { type KeyName, keyName } from "./key-name.ts";
import type { ObjectGate } from "./object-gate.ts";
import { CKR } from "./return-values.ts";

// How often attributes are read at most before the session counts as lost: a read changes nothing.
const READS = 3;

/** One session's view of the token's objects (PKCS#11 v2.40, section 5.7). */
export class TokenObjects {
  readonly #cryptoki: Cryptoki;
  readonly #session: Handle;
  readonly #gate: ObjectGate;
  readonly #signal: AbortSignal;
  #change: "change" | "alone" = "change";

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

  /** The same for several attributes, in one call if the object has them all. A read that may succeed later is retried. */
  async readAll(handle: Handle, types: readonly number[]): Promise<(Uint8Array | undefined)[]> {
    for (let read = 1; ; read += 1) {
      try {
        return await this.#cryptoki.getAttributes(this.#session, handle, types);
      } catch (error) {
        if (read === READS || !isPassing(error)) throw error;
      }
    }
  }

  /** CKA_LABEL and CKA_ID; empty where the object has none. */
  async readName(handle: Handle): Promise<KeyName> {
    return keyName(await this.readAll(handle, [CKA.LABEL, CKA.ID]));
  }

  create(template: Template): Promise<Handle> {
    return this.#gate.run(this.#change, () => this.#cryptoki.createObject(this.#session, template), this.#signal);
  }

  async destroy(handle: Handle): Promise<void> {
    const destroy = () => this.#cryptoki.destroyObject(this.#session, handle);
    try {
      await this.#gate.run(this.#change, destroy);
    } catch (error) {
      if (!isWriteConflict(error)) throw error;
      await this.#gate.run("alone", destroy);
    }
  }

  generateKeyPair(mechanism: number, publicKey: Template, privateKey: Template): Promise<KeyPairHandles> {
    const generate = () => this.#cryptoki.generateKeyPair(this.#session, mechanism, publicKey, privateKey);
    return this.#gate.run(this.#change, generate, this.#signal);
  }

  unwrap(mechanism: number, wrappingKey: Handle, wrapped: Buffer, key: Template): Promise<Handle> {
    const unwrap = () => this.#cryptoki.unwrapKey(this.#session, mechanism, wrappingKey, wrapped, key);
    return this.#gate.run(this.#change, unwrap, this.#signal);
  }

  /** Lets each change that `work` makes be the only one in the library. */
  async alone<T>(work: () => Promise<T>): Promise<T> {
    this.#change = "alone";
    try {
      return await work();
    } finally {
      this.#change = "change";
    }
  }
}

/** kryoptic answers so to the slower of two writers. */
export function isWriteConflict(error: unknown): boolean {
  return returnValueOf(error) === CKR.DEVICE_MEMORY;
}

function isPassing(error: unknown): boolean {
  const recovery = recoveryFor(error);
  return (
    recovery === "retry" || (recovery === "reload-library" && returnValueOf(error) !== CKR.CRYPTOKI_NOT_INITIALIZED)
  );
}
