import type { KeyClient, KeyVaultKey } from "@azure/keyvault-keys";
import type { StoredKey } from "../accounts/key-store.ts";
import { addressFromPublicKey } from "../core/public-key.ts";
import type { CallOptions } from "../signer/remote-key.ts";
import { Calls } from "./calls.ts";
import { pinnedKey } from "./key.ts";
import { formatKeyUrl, type KeyUrl } from "./key-url.ts";
import type { KeyVersion } from "./key-version.ts";
import type { Access } from "./options.ts";
import { pagePolicy } from "./page-policy.ts";
import { type Call, send } from "./send.ts";
import type { AzureKeyStoreClient, CheckedStoreOptions } from "./store-options.ts";
import { Vault } from "./vault.ts";

/** The one client of a store, which its keys share, and the calls that run on it. */
export class StoreSession {
  readonly options: CheckedStoreOptions;
  readonly #calls: Calls;
  readonly #vault: Vault<AzureKeyStoreClient>;
  readonly #closing = new AbortController();

  constructor(options: CheckedStoreOptions) {
    const { vaultUrl, timeout, access } = options;
    const policy = pagePolicy({ vaultUrl, timeout, closing: this.#closing.signal });
    this.options = options;
    this.#calls = new Calls({ what: "store", id: vaultUrl, vaultUrl, timeout });
    this.#vault = new Vault({ vaultUrl, timeout, access: withPolicy(access, policy) });
  }

  run<T>(operation: string, options: CallOptions, task: (call: Call) => Promise<T>): Promise<T> {
    return this.#calls.run(operation, options, task);
  }

  client(): Promise<AzureKeyStoreClient | KeyClient> {
    return this.#vault.client();
  }

  /** The key's URL, without a version. */
  urlOf(name: string): KeyUrl {
    return { vaultUrl: this.options.vaultUrl, name, version: undefined };
  }

  /** The key's current version. */
  async getKey(name: string, call: Call): Promise<KeyVaultKey> {
    const client = await this.client();
    const context = { ...call.context, keyId: formatKeyUrl(this.urlOf(name)) };
    const { value } = await send("get", { ...call, context }, (sdk) => client.getKey(name, sdk));
    return value;
  }

  async storedKey(name: string, version: KeyVersion): Promise<StoredKey> {
    const client = await this.client();
    const { vaultUrl, timeout } = this.options;
    const key = pinnedKey({ client, vaultUrl, keyName: name, timeout }, version, this.#calls);
    return { key, address: addressFromPublicKey(version.publicKey), name };
  }

  async close(): Promise<void> {
    await this.#calls.close();
    this.#closing.abort();
    await this.#vault.close();
  }
}

type StoreAccess = Access<AzureKeyStoreClient>;

function withPolicy(access: StoreAccess, policy: ReturnType<typeof pagePolicy>): StoreAccess {
  if ("client" in access) return access;
  const { credential, clientOptions } = access;
  const additionalPolicies = [...(clientOptions.additionalPolicies ?? []), { policy, position: "perCall" as const }];
  return { credential, clientOptions: { ...clientOptions, additionalPolicies } };
}
