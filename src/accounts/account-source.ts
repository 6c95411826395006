import { RemoteSigner } from "../signer/remote-signer.ts";
import type { RemoteSignerOptions } from "../signer/verified-key.ts";
import { type FailedKey, isStoredKey, type KeyStore, type StoreHealth } from "./key-store.ts";

/** An account that a directory knows. */
export interface Account {
  /** With the checksum of EIP-55. */
  readonly address: string;
  /** An alias, a name, a label; undefined where the key has none. */
  readonly name: string | undefined;
  /** The key's backend, for example `"aws-kms"`. */
  readonly backend: string;
  /** The vendor's identifier of the key. */
  readonly keyId: string;
}

/** An account, and the signer for it, without a provider. */
export interface Entry {
  readonly account: Account;
  readonly signer: RemoteSigner;
}

/** Where a directory's accounts come from, and what it saw there last. */
export interface AccountSource {
  readonly backend: string;
  readonly id: string;
  /** The entries of the last listing that came to its end, by address. */
  readonly entries: ReadonlyMap<string, Entry>;
  /** The keys that the last such listing could not use. */
  readonly failedKeys: readonly FailedKey[];
  /** Lists again. If that fails, the entries stay as they were, and it rejects. */
  refresh(signal: AbortSignal): Promise<void>;
  /** Undefined where the store does not tell. */
  health(signal: AbortSignal | undefined): Promise<StoreHealth | undefined>;
}

/** A store as a source. The signer of a key that is listed again stays the same one, with all that it knows. */
export class StoreSource implements AccountSource {
  readonly backend: string;
  readonly id: string;
  entries: ReadonlyMap<string, Entry> = new Map();
  failedKeys: readonly FailedKey[] = [];
  readonly #store: KeyStore;
  readonly #options: RemoteSignerOptions;

  constructor(store: KeyStore, options: RemoteSignerOptions) {
    this.#store = store;
    this.#options = options;
    this.backend = store.backend;
    this.id = store.id;
  }

  async refresh(signal: AbortSignal): Promise<void> {
    const entries = new Map<string, Entry>();
    const failedKeys: FailedKey[] = [];
    for await (const listed of this.#store.list({ signal })) {
      if (isStoredKey(listed)) {
        const { key, address, name } = listed;
        const account = { address, name, backend: key.backend, keyId: key.id };
        entries.set(address, { account, signer: this.#signerFor(account) ?? this.#newSigner(listed) });
      } else failedKeys.push(listed);
    }
    for (const entry of this.#keptDespite(failedKeys)) {
      if (!entries.has(entry.account.address)) entries.set(entry.account.address, entry);
    }
    this.entries = entries;
    this.failedKeys = failedKeys;
  }

  async health(signal: AbortSignal | undefined): Promise<StoreHealth | undefined> {
    return this.#store.health?.({ signal });
  }

  #signerFor({ address, keyId }: Account): RemoteSigner | undefined {
    const known = this.entries.get(address);
    return known?.account.keyId === keyId ? known.signer : undefined;
  }

  #newSigner({
    key,
    address,
  }: {
    readonly key: ConstructorParameters<typeof RemoteSigner>[0];
    readonly address: string;
  }) {
    return new RemoteSigner(key, null, { ...this.#options, expectedAddress: address });
  }

  /** A key that could not be looked at this time, but may next time, is not gone. */
  #keptDespite(failedKeys: readonly FailedKey[]): Entry[] {
    const unsure = new Set(failedKeys.filter(({ error }) => error.retryable).map(({ id }) => id));
    return [...this.entries.values()].filter(({ account }) => unsure.has(account.keyId));
  }
}

/** One signer as a source: its account is final once its public key was fetched. */
export class SignerSource implements AccountSource {
  readonly backend: string;
  readonly id: string;
  entries: ReadonlyMap<string, Entry> = new Map();
  readonly failedKeys: readonly FailedKey[] = [];
  readonly #signer: RemoteSigner;

  constructor(signer: RemoteSigner) {
    this.#signer = signer;
    this.backend = signer.backend;
    this.id = signer.keyId;
  }

  async refresh(signal: AbortSignal): Promise<void> {
    await this.#signer.getPublicKey({ signal });
    const address = await this.#signer.getAddress();
    const account = { address, name: undefined, backend: this.backend, keyId: this.id };
    this.entries = new Map([[address, { account, signer: this.#signer }]]);
  }

  async health(signal: AbortSignal | undefined): Promise<StoreHealth> {
    await this.#signer.getPublicKey({ signal });
    return { reachable: true, canList: undefined, canSign: undefined, error: undefined };
  }
}
