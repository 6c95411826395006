import { setImmediate } from "node:timers/promises";
import { hexlify } from "ethers";
import { CKA, CKK, CKO } from "./attributes.ts";
import type { Handle } from "./cryptoki.ts";
import type { KeyName } from "./key-name.ts";
import type { TokenObjects } from "./objects.ts";

/** How long a store's call may go on. */
export interface Wait {
  /** Aborts at the caller's abort, or once the token has been silent for the store's `timeout`. */
  readonly signal: AbortSignal;
  /** The token has answered: the timeout begins again. */
  readonly progress: () => void;
}

/** Where to look for public keys by label, CKA_ID or both; undefined stands for any value. */
export interface PublicKeyLookup {
  publicKeys(selector: Partial<KeyName>): Promise<readonly Handle[]>;
}

/** The same from memory: searching a token that holds thousands of objects, once per key, takes too long. */
export class ObjectIndex implements PublicKeyLookup {
  readonly #publicKeys = new Map<string, Handle[]>();

  /** Reads CKA_LABEL and CKA_ID of the token's public EC keys, with a turn of the event loop after each. */
  static async read(objects: TokenObjects, wait: Wait): Promise<ObjectIndex> {
    const index = new ObjectIndex();
    const template = [
      { type: CKA.CLASS, value: CKO.PUBLIC_KEY },
      { type: CKA.KEY_TYPE, value: CKK.EC },
    ];
    for (const handle of await objects.find(template)) {
      if (wait.signal.aborted) break;
      wait.progress();
      await setImmediate();
      index.#add(handle, await objects.readName(handle));
    }
    return index;
  }

  async publicKeys(selector: Partial<KeyName>): Promise<readonly Handle[]> {
    return this.#publicKeys.get(textOf(selector)) ?? [];
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
