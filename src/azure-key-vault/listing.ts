import type { KeyProperties, KeyVaultKey } from "@azure/keyvault-keys";
import { concurrentMap } from "../accounts/concurrent-map.ts";
import type { ListedKey, StoredKey } from "../accounts/key-store.ts";
import { type Call, Calls } from "../backend/calls.ts";
import { isSignerError, type SignerError } from "../core/errors.ts";
import { addressFromPublicKey } from "../core/public-key.ts";
import type { CallOptions } from "../signer/remote-key.ts";
import { type SdkOptions, VaultClient } from "./client.ts";
import { KEY_VAULT } from "./errors.ts";
import { storeKey } from "./key.ts";
import { formatKeyUrl, type KeyUrl } from "./key-url.ts";
import { isSecp256k1, type KeyVersion, usableVersion } from "./key-version.ts";
import type { AzureKeyStoreClient, CheckedStoreOptions, KeyFilter } from "./options.ts";

const BACKEND = "azure-key-vault";

type Pages = AsyncIterator<KeyProperties[]>;

/** The one client of a store, which its keys share, its calls, and what they find. */
export class VaultListing {
  readonly options: CheckedStoreOptions;
  readonly client: VaultClient<AzureKeyStoreClient>;
  readonly calls: Calls;

  constructor(options: CheckedStoreOptions) {
    this.options = options;
    this.client = new VaultClient(options);
    const { vaultUrl: id, timeout, observer } = options;
    this.calls = new Calls({ backend: BACKEND, what: "store", id, timeout, observer });
  }

  /** The secp256k1 keys of the vault that pass the store's filter. */
  async *list({ signal }: CallOptions): AsyncGenerator<ListedKey, void> {
    const found = concurrentMap(
      // The first page is there before the first key is requested, and so is the token: no two requests begin the client.
      (inner) => this.#find(inner),
      (url, inner) => this.#read(url, inner),
      { concurrency: this.options.concurrency, signal },
    );
    for await (const listed of found) {
      if (listed) yield listed;
    }
  }

  /** The key's URL; of its current version if none is given. */
  urlOf(name: string, version?: string): KeyUrl {
    return { vaultUrl: this.options.vaultUrl, name, version };
  }

  async getKey(url: KeyUrl, call: Call): Promise<KeyVaultKey> {
    const { name, version } = url;
    const context = { ...call.context, keyId: formatKeyUrl(url) };
    const { value } = await this.client.send("get", { ...call, context }, (client, sdk) =>
      client.getKey(name, version === undefined ? sdk : { ...sdk, version }),
    );
    return value;
  }

  async stored(url: KeyUrl, version: KeyVersion): Promise<StoredKey> {
    const client = await this.client.client();
    const key = storeKey({ client, calls: this.calls, timeout: this.options.timeout, url, version });
    return { key, address: addressFromPublicKey(version.publicKey), name: url.name };
  }

  async *#find(signal: AbortSignal): AsyncGenerator<KeyUrl, void> {
    const { filter, versions } = this.options;
    const keys = this.#pages((client, sdk) => client.listPropertiesOfKeys(sdk).byPage(), signal);
    for await (const { name, tags } of keys) {
      if (!passesFilter(filter, { name, tags })) continue;
      if (versions === "current") yield this.urlOf(name);
      else yield* this.#findVersions(name, signal);
    }
  }

  async *#findVersions(name: string, signal: AbortSignal): AsyncGenerator<KeyUrl, void> {
    const list = (client: AzureKeyStoreClient, sdk: SdkOptions) =>
      client.listPropertiesOfKeyVersions(name, sdk).byPage();
    for await (const { version } of this.#pages(list, signal))
      if (version !== undefined) yield this.urlOf(name, version);
  }

  async *#pages(
    list: (client: AzureKeyStoreClient, options: SdkOptions) => Pages,
    signal: AbortSignal,
  ): AsyncGenerator<KeyProperties, void> {
    const first = await this.calls.run("list", { signal }, (call) =>
      this.client.send("list", call, async (client, sdk) => {
        const pages = list(client as AzureKeyStoreClient, sdk);
        return { pages, page: await pages.next() };
      }),
    );
    const { pages } = first.value;
    // Once a page failed the SDK would say that there are no more: it is never asked again.
    const nextPage = async (call: Call) => (await this.client.sendOnce("list", call, () => pages.next())).value;
    for (let { page } = first.value; !page.done; page = await this.calls.run("list", { signal }, nextPage)) {
      yield* page.value;
    }
  }

  /** Undefined for a key of another kind, and for one that was deleted meanwhile. */
  async #read(url: KeyUrl, signal: AbortSignal): Promise<ListedKey | undefined> {
    const id = formatKeyUrl(url);
    try {
      const key = await this.calls.run("list", { signal, keyId: id }, (call) => this.getKey(url, call));
      return isSecp256k1(key) ? await this.stored(url, usableVersion(key, url)) : undefined;
    } catch (error) {
      if (signal.aborted || !isSignerError(error)) throw error;
      if (error.code === "KEY_NOT_FOUND" && error.info?.["statusCode"] === 404) return undefined;
      if (!isOfOneKey(error)) throw error;
      const { name } = url;
      return { id, name, error: error.withContext({ backend: BACKEND, keyId: id, operation: "list" }) };
    }
  }
}

/** Names are compared as the service does, without the case of letters; tags exactly. */
function passesFilter(
  { tags, namePrefix }: KeyFilter,
  key: { readonly name: string; readonly tags?: KeyProperties["tags"] | undefined },
): boolean {
  return (
    key.name.toLowerCase().startsWith(namePrefix.toLowerCase()) &&
    Object.entries(tags).every(([name, value]) => key.tags?.[name] === value)
  );
}

// A vault that does not respond, that throttles or accepts no token will not do better with the next key.
function isOfOneKey({ code, info }: SignerError): boolean {
  const status = info?.["statusCode"];
  if (status === undefined) return code === "KEY_UNUSABLE" || code === "BACKEND_RESPONSE_INVALID";
  return info?.["source"] !== KEY_VAULT ? code === "BACKEND_RESPONSE_INVALID" : status !== 401 && status !== 429;
}
