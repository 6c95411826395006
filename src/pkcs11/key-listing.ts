import { attempt, attemptAsync } from "./attempt.ts";
import { CKA } from "./attributes.ts";
import { type KeyName, nameText } from "./key-name.ts";
import { mayBeSecp256k1, PRIVATE_EC_KEYS } from "./key-object.ts";
import { ObjectIndex, type ObjectLookup } from "./object-index.ts";
import { type Handle, nextTurn } from "./objects.ts";
import type { Pkcs11Session } from "./session.ts";
import { type KeyFilter, startsWith } from "./store-options.ts";

/** The private keys of one name: more than one cannot be told apart. */
export interface NamedKeys {
  readonly name: KeyName;
  /** Good for the listing's session only. */
  readonly handles: Handle[];
}

/** The private EC keys that are on secp256k1, or do not show their curve, as one session sees them. */
export class KeyListing {
  readonly session: Pkcs11Session;
  /** Those that fit the filter, by {@link nameText}. */
  readonly keys = new Map<string, NamedKeys>();
  readonly #filter: KeyFilter;
  readonly #names: KeyName[] = [];
  #index: ObjectIndex | undefined;

  private constructor(session: Pkcs11Session, filter: KeyFilter) {
    this.session = session;
    this.#filter = filter;
  }

  /** The event loop gets a turn after each key. An abort ends it early, with what was found until then. */
  static async read(session: Pkcs11Session, filter: KeyFilter, signal: AbortSignal | undefined): Promise<KeyListing> {
    const listing = new KeyListing(session, filter);
    const { objects } = session;
    const ids = filter.id ? [{ type: CKA.ID, value: Buffer.from(filter.id) }] : [];
    const template = [...PRIVATE_EC_KEYS, ...ids];
    const handles = await attemptAsync("C_FindObjects", () => objects.findAll(template, signal));
    for (const handle of handles) {
      if (signal?.aborted) break;
      await nextTurn();
      const [label = NOTHING, id = NOTHING, params] = attempt("C_GetAttributeValue", () =>
        objects.readAll(handle, [CKA.LABEL, CKA.ID, CKA.EC_PARAMS]),
      );
      listing.#add(handle, { label, id }, params);
    }
    return listing;
  }

  /**
   * Where to look for the public halves: read from the token once, when the first of them is needed. Undefined where the
   * filter leaves too little to read them all for.
   */
  async lookup(signal: AbortSignal | undefined): Promise<ObjectLookup | undefined> {
    if (this.#filter.id) return undefined;
    this.#index ??= await ObjectIndex.read(this.session.objects, this.#names, signal);
    return this.#index;
  }

  #add(handle: Handle, name: KeyName, params: Uint8Array | undefined): void {
    this.#names.push(name);
    if (!mayBeSecp256k1(params) || !startsWith(name.label, this.#filter.labelPrefix)) return;
    const text = nameText(name);
    const known = this.keys.get(text);
    if (known) known.handles.push(handle);
    else this.keys.set(text, { name, handles: [handle] });
  }
}

const NOTHING = new Uint8Array();
