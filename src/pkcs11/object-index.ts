import { hexlify } from "ethers";
import { CKA, CKK, CKO } from "./attributes.ts";
import type { Handle } from "./cryptoki.ts";
import type { KeyName } from "./key-name.ts";
import { nextTurn } from "./next-turn.ts";
import type { TokenObjects } from "./objects.ts";
import type { Wait } from "./store-calls.ts";

/** What belongs to a private key, by the attributes that tie the two halves; undefined stands for any value. */
export interface ObjectLookup {
  publicKeys(selector: Partial<KeyName>): Promise<readonly Handle[]>;
  hasPrivateKey(name: KeyName): Promise<boolean>;
}

/** The same from memory: searching a token that holds thousands of objects, once per key, takes too long. */
export class ObjectIndex implements ObjectLookup {
  readonly #publicKeys = new Map<string, Handle[]>();
  readonly #privateKeys: ReadonlySet<string>;

  private constructor(privateKeys: Iterable<KeyName>) {
    this.#privateKeys = new Set(Array.from(privateKeys, textOf));
  }

  /** Reads CKA_LABEL and CKA_ID of the token's public EC keys, with a turn of the event loop after each. */
  static async read(objects: TokenObjects, privateKeys: Iterable<KeyName>, wait: Wait): Promise<ObjectIndex> {
    const index = new ObjectIndex(privateKeys);
    const template = [
      { type: CKA.CLASS, value: CKO.PUBLIC_KEY },
      { type: CKA.KEY_TYPE, value: CKK.EC },
    ];
    for (const handle of await objects.find(template)) {
      if (wait.signal.aborted) break;
      wait.progress();
      await nextTurn();
      index.#add(handle, await objects.readName(handle));
    }
    return index;
  }

  async publicKeys(selector: Partial<KeyName>): Promise<readonly Handle[]> {
    return this.#publicKeys.get(textOf(selector)) ?? [];
  }

  async hasPrivateKey(name: KeyName): Promise<boolean> {
    return this.#privateKeys.has(textOf(name));
  }

  #add(handle: Handle, { label, id }: KeyName): void {
    for (const selector of [{ label, id }, { label }, { id }]) {
      const text = textOf(selector);
      const handles = this.#publicKeys.get(text);
      if (handles) handles.push(handle);
      else this.#publicKeys.set(text, [handle]);
    }
  }
}

function textOf({ label, id }: Partial<KeyName>): string {
  return `${label ? hexlify(label) : "any"} ${id ? hexlify(id) : "any"}`;
}
