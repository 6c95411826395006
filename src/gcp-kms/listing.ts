import { concurrentMap } from "../accounts/concurrent-map.ts";
import type { ListedKey, StoredKey } from "../accounts/key-store.ts";
import { type Call, Calls } from "../backend/calls.ts";
import { invalidResponse, isSignerError, SignerError } from "../core/errors.ts";
import { addressFromPublicKey } from "../core/public-key.ts";
import type { CallOptions } from "../signer/remote-key.ts";
import type { GcpKmsClient } from "./client.ts";
import { CLOUD_KMS } from "./errors.ts";
import { type GcpKmsKey, storeKey } from "./key.ts";
import type { CheckedStoreOptions } from "./options.ts";
import { type Message, readAlgorithm, readLevel, readPublicKey, readPurpose, readVersionState } from "./response.ts";

const BACKEND = "gcp-kms";
// The service returns at most 1,000, and fewer as it likes.
const PAGE_SIZE = 1_000;

interface FoundKey {
  /** The key's full name. */
  readonly name: string;
  /** Its id. */
  readonly id: string;
}

/** A store's requests, and the public keys that it knows, by the full name of the version: a version's key never changes. */
export class GcpKmsListing {
  readonly options: CheckedStoreOptions;
  readonly client: GcpKmsClient;
  readonly calls: Calls;
  readonly #known = new Map<string, Uint8Array>();

  constructor(options: CheckedStoreOptions, client: GcpKmsClient) {
    this.options = options;
    this.client = client;
    const { parent: id, timeout, observer } = options;
    this.calls = new Calls({ backend: BACKEND, what: "store", id, timeout, observer });
  }

  /** @throws SignerError if the listing itself fails, or the credentials do; the signal's reason. */
  async *list({ signal }: CallOptions): AsyncGenerator<ListedKey, void, undefined> {
    this.calls.requireOpen("list");
    const met = new Set<string>();
    const listing = concurrentMap(
      (inner) => this.#findKeys({ signal: inner }),
      (key, inner) => this.#versionsOf(key, met, { signal: inner }),
      { concurrency: this.options.concurrency, signal },
    );
    for await (const versions of listing) yield* versions;
    // What a complete listing did not meet is forgotten.
    for (const name of this.#known.keys()) if (!met.has(name)) this.#known.delete(name);
  }

  /** The first page of what the store lists first: its key rings, or its keys. */
  probe(call: Call): Promise<unknown> {
    const { parent } = this.options;
    const rpc = parent.includes("/keyRings/") ? "listCryptoKeys" : "listKeyRings";
    return this.client.send(rpc, { parent, pageSize: 1 }, call, (message) => message);
  }

  /** A key object for each caller, who may close it. */
  stored(name: string, publicKey: Uint8Array, id: string): StoredKey {
    return { key: this.#key(name, publicKey), address: addressFromPublicKey(publicKey), name: id };
  }

  /** Up to `count` keys whose public key is known. */
  knownKeys(count: number): GcpKmsKey[] {
    return [...this.#known].slice(0, count).map(([name, publicKey]) => this.#key(name, publicKey));
  }

  /** Fetches the public key and remembers it. Needs cloudkms.cryptoKeyVersions.viewPublicKey. */
  async learn(name: string, call: Call): Promise<Uint8Array> {
    const known = this.#known.get(name);
    if (known) return known;
    const publicKey = await this.client.send("getPublicKey", { name }, call, (message) => readPublicKey(message, name));
    this.#known.set(name, publicKey);
    return publicKey;
  }

  #key(name: string, publicKey: Uint8Array): GcpKmsKey {
    const { client, calls } = this;
    return storeKey({ client, calls, timeout: this.options.timeout, name, publicKey });
  }

  async *#findKeys(options: CallOptions): AsyncGenerator<FoundKey, void, undefined> {
    const { parent, namePrefix, tags } = this.options;
    for await (const ring of this.#rings(parent, options)) {
      for await (const key of this.#pages(
        "listCryptoKeys",
        "cryptoKeys",
        { parent: ring, filter: "purpose=ASYMMETRIC_SIGN" },
        options,
      )) {
        const name = requireChild(key, `${ring}/cryptoKeys/`);
        const id = name.slice(ring.length + "/cryptoKeys/".length);
        const { labels } = key as { readonly labels?: Readonly<Record<string, unknown>> };
        const level = readLevel((key["versionTemplate"] as Message | undefined)?.["protectionLevel"]);
        const isOfStore =
          id.startsWith(namePrefix) && Object.entries(tags).every(([tag, value]) => labels?.[tag] === value);
        // A key's protection level never changes, and secp256k1 exists in HSMs alone; its template's algorithm is of the next version.
        const isInHsm = level === "HSM" || level === "HSM_SINGLE_TENANT";
        if (isOfStore && isInHsm && readPurpose(key["purpose"]) === "ASYMMETRIC_SIGN") yield { name, id };
      }
    }
  }

  async *#rings(parent: string, options: CallOptions): AsyncGenerator<string, void, undefined> {
    if (parent.includes("/keyRings/")) {
      yield parent;
      return;
    }
    for await (const ring of this.#pages("listKeyRings", "keyRings", { parent }, options)) {
      yield requireChild(ring, `${parent}/keyRings/`);
    }
  }

  /** Every version that is a key for Ethereum: usable, or not with the reason. One whose key is deleted meanwhile is left out. */
  async #versionsOf({ name, id }: FoundKey, met: Set<string>, options: CallOptions): Promise<ListedKey[]> {
    const listed: ListedKey[] = [];
    try {
      for await (const version of this.#pages(
        "listCryptoKeyVersions",
        "cryptoKeyVersions",
        { parent: name },
        options,
      )) {
        const versionName = requireChild(version, `${name}/cryptoKeyVersions/`);
        if (readAlgorithm(version["algorithm"]) !== "EC_SIGN_SECP256K1_SHA256") continue;
        met.add(versionName);
        const found = await this.#inspect(version, versionName, id, options);
        if (found) listed.push(found);
      }
    } catch (error) {
      const failed = this.#failed(error, name, id, options);
      if (failed) listed.push(failed);
    }
    return listed;
  }

  async #inspect(version: Message, name: string, id: string, options: CallOptions): Promise<ListedKey | undefined> {
    const state = readVersionState(version["state"]);
    if (state === "DESTROYED") return undefined;
    try {
      if (state !== "ENABLED") throw unusable(name, state, version["importFailureReason"]);
      const publicKey = await this.calls.run("list", { ...options, keyId: name }, (call) => this.learn(name, call));
      return this.stored(name, publicKey, id);
    } catch (error) {
      return this.#failed(error, name, id, options);
    }
  }

  /** @throws what is not a fault of the key alone: the signal's reason, SIGNER_CLOSED, what is wrong with the credentials. */
  #failed(error: unknown, keyId: string, name: string, { signal }: CallOptions): ListedKey | undefined {
    if (signal?.aborted || !isSignerError(error) || isOfTheStore(error)) throw error;
    if (error.code === "KEY_NOT_FOUND") return undefined;
    return { id: keyId, name, error: error.withContext({ backend: BACKEND, keyId, operation: "list" }) };
  }

  /**
   * Every item of a listing. A page may be short, and even empty: only a missing token says that it is the last.
   *
   * @throws SignerError BACKEND_RESPONSE_INVALID if it would never end.
   */
  async *#pages(
    rpc: "listKeyRings" | "listCryptoKeys" | "listCryptoKeyVersions",
    field: string,
    request: Message,
    options: CallOptions,
  ): AsyncGenerator<Message, void, undefined> {
    let pageToken: string | undefined;
    for (;;) {
      const paged = { ...request, pageSize: PAGE_SIZE, ...(pageToken === undefined ? {} : { pageToken }) };
      const { items, next } = await this.calls.run("list", { ...options, keyId: String(request["parent"]) }, (call) => {
        return this.client.send(rpc, paged, call, (message) => readPage(message, field, rpc));
      });
      yield* items;
      if (next === undefined) return;
      if (next === pageToken) throw incomplete(rpc);
      pageToken = next;
    }
  }
}

function readPage(
  message: Message,
  field: string,
  rpc: string,
): { readonly items: readonly Message[]; readonly next: string | undefined } {
  const { [field]: items = [], nextPageToken: next = "" } = message;
  const isList = Array.isArray(items) && items.every((item) => typeof item === "object" && item !== null);
  if (!isList || typeof next !== "string") throw incomplete(rpc);
  return { items, next: next === "" ? undefined : next };
}

function incomplete(rpc: string): SignerError {
  return invalidResponse(`${rpc}'s response is not a page of a listing; the listing is not complete`, {
    backend: BACKEND,
    operation: "list",
  });
}

function requireChild({ name }: Message, prefix: string): string {
  if (typeof name === "string" && name.startsWith(prefix) && /^[\w-]+$/.test(name.slice(prefix.length))) return name;
  throw invalidResponse(`a listing of ${prefix} has an entry of another name; it is not complete`, {
    backend: BACKEND,
    operation: "list",
  });
}

/** Whether every other key would fail alike until something is changed: no key may look gone because of it. */
function isOfTheStore({ code, retryable, info }: SignerError): boolean {
  if (code === "SIGNER_CLOSED" || code === "DEPENDENCY_MISSING") return true;
  const isOfKey = info?.["source"] === CLOUD_KMS && info["errorCode"] === "PERMISSION_DENIED";
  if (code === "ACCESS_DENIED") return !isOfKey;
  return code === "BACKEND_UNAVAILABLE" && !retryable;
}

const HINTS: Readonly<Record<string, string>> = {
  DISABLED: "enable it (gcloud kms keys versions enable)",
  DESTROY_SCHEDULED: "restore it (gcloud kms keys versions restore), then enable it, or let it go",
  PENDING_GENERATION: "wait until its HSM has made it",
  PENDING_IMPORT: "wait until the import is finished",
};

/** Why a version cannot sign. */
export function unusable(name: string, state: string | undefined, reason: unknown): SignerError {
  const why = typeof reason === "string" && reason !== "" ? ` (${reason.replace(/\p{C}/gu, " ").slice(0, 200)})` : "";
  const hint = HINTS[state ?? ""] ?? "make another version";
  return new SignerError(
    "KEY_UNUSABLE",
    `the key ${name} cannot sign, since its state is ${state ?? "not stated"}${why}: ${hint}`,
    {
      ...{ backend: BACKEND, keyId: name, info: { source: CLOUD_KMS, keyState: state } },
      retryable: state?.startsWith("PENDING_") === true,
    },
  );
}
