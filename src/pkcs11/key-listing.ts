import { setImmediate } from "node:timers/promises";
import { CKA } from "./attributes.ts";
import type { Handle } from "./cryptoki.ts";
import { type KeyName, keyName, nameText } from "./key-name.ts";
import { ObjectIndex, type PublicKeyLookup, type Wait } from "./object-index.ts";
import type { Pkcs11Session } from "./session.ts";
import { mayBeSecp256k1, PRIVATE_EC_KEYS } from "./signing-object.ts";
import { type KeyFilter, startsWith } from "./store-options.ts";

/** The private keys of one name: more than one cannot be told apart. */
export interface NamedKeys {
  readonly name: KeyName;
  /** Good for the listing's epoch only. */
  readonly handles: Handle[];
}

/** The private EC keys that are on secp256k1, or do not show their curve, as one session sees them. */
export class KeyListing {
  /** What the handles are good for. */
  readonly epoch: object;
  /** Those that fit the filter, by {@link nameText}. */
  readonly keys = new Map<string, NamedKeys>();
  readonly #filter: KeyFilter;
  #index: Promise<ObjectIndex> | undefined;

  private constructor(epoch: object, filter: KeyFilter) {
    this.epoch = epoch;
    this.#filter = filter;
  }

  /** The event loop gets a turn after each key. An abort ends it early, with what was found until then. */
  static async read(session: Pkcs11Session, filter: KeyFilter, wait: Wait): Promise<KeyListing> {
    const listing = new KeyListing(session.epoch, filter);
    const { objects } = session;
    const ids = filter.id ? [{ type: CKA.ID, value: Buffer.from(filter.id) }] : [];
    const template = [...PRIVATE_EC_KEYS, ...ids];
    for (const handle of await objects.find(template)) {
      if (wait.signal.aborted) break;
      wait.progress();
      await setImmediate();
      const attributes = await objects.readAll(handle, [CKA.LABEL, CKA.ID, CKA.EC_PARAMS]);
      listing.#add(handle, keyName(attributes), attributes[2]);
    }
    return listing;
  }

  /**
   * Where to look for the public halves: read from the token once, when the first of them is needed. Undefined where the
   * filter leaves too little to read them all for.
   */
  async lookup(session: Pkcs11Session, wait: Wait): Promise<PublicKeyLookup | undefined> {
    if (this.#filter.id) return undefined;
    const index = this.#index ?? ObjectIndex.read(session.objects, wait);
    this.#index = index;
    try {
      return await index;
    } catch (error) {
      if (this.#index === index) this.#index = undefined;
      throw error;
    }
  }

  #add(handle: Handle, name: KeyName, params: Uint8Array | undefined): void {
    if (!mayBeSecp256k1(params) || !startsWith(name.label, this.#filter.namePrefix)) return;
    const text = nameText(name);
    const known = this.keys.get(text);
    if (known) known.handles.push(handle);
    else this.keys.set(text, { name, handles: [handle] });
  }
}
