import { assertArgument, getAddress, type Provider } from "ethers";
import { isSignerError, SignerError, type SignerErrorCode } from "../core/errors.ts";
import { withDeadline } from "../signer/deadline.ts";
import type { CallOptions } from "../signer/remote-key.ts";
import type { RemoteSigner } from "../signer/remote-signer.ts";
import type { RemoteSignerOptions } from "../signer/verified-key.ts";
import { type Account, type AccountSource, SignerSource, StoreSource } from "./account-source.ts";
import { type AccountChanges, compareEntries, type Entries, mergeEntries } from "./directory-state.ts";
import type { FailedKey, KeyStore, StoreHealth } from "./key-store.ts";

/** What an account directory is made of. The options of `RemoteSigner` are for the signers of the stores' keys; `signers` have their own. */
export interface AccountDirectoryOptions extends Omit<RemoteSignerOptions, "expectedAddress"> {
  /** Places with many keys. */
  readonly stores?: readonly KeyStore[] | undefined;
  /** Single keys. */
  readonly signers?: readonly RemoteSigner[] | undefined;
  /**
   * Milliseconds from the end of one refresh to the begin of the next, from the first use on. It never keeps the process
   * alive. Default: none, `refresh()` alone refreshes.
   */
  readonly refreshInterval?: number | undefined;
}

/** A store, or a single signer, that could not be asked, or a key of one that could not be used. */
export interface RefreshFailure {
  /** The source's backend, for example `"aws-kms"`. */
  readonly backend: string;
  /** The store's identifier, or the single signer's keyId. */
  readonly source: string;
  /** The key; undefined where the source as a whole could not be listed, and keeps the accounts that it had. */
  readonly key: FailedKey | undefined;
  /** Why: a SignerError, or whatever a store of your own throws. */
  readonly error: unknown;
}

/** What a refresh changed, and what it could not ask. */
export interface RefreshResult extends AccountChanges {
  /** Sources that could not be listed, and keys that cannot be used. Empty where all went well. */
  readonly failed: readonly RefreshFailure[];
}

/** What is known of one source. */
export interface SourceHealth extends Partial<StoreHealth> {
  /** The source's backend, for example `"aws-kms"`. */
  readonly backend: string;
  /** The store's identifier, or the single signer's keyId. */
  readonly source: string;
  /** How many accounts the directory has from it. */
  readonly accounts: number;
  /** When its last complete listing ended. */
  readonly lastRefresh: Date | undefined;
  /** Why its last refresh failed; undefined if it did not. */
  readonly refreshError: unknown;
}

interface State {
  lastRefresh: Date | undefined;
  refreshError: unknown;
}

const MAX_INTERVAL = 2 ** 31 - 1;

/**
 * The accounts of any number of stores and single keys, by address.
 *
 * The first call that needs the accounts lists them; after that they change by `refresh()` only, or at `refreshInterval`. A
 * store that is out of reach keeps the accounts that it had last, and is named in the result; a key that a complete listing
 * no longer has is dropped. A signer that was handed out goes on working, whatever becomes of the directory.
 *
 * The stores and signers are the caller's: `close()` does not close them.
 */
export class AccountDirectory {
  readonly #states: ReadonlyMap<AccountSource, State>;
  readonly #interval: number | undefined;
  readonly #listeners = new Set<(changes: RefreshResult) => void>();
  readonly #ending = new AbortController();
  #entries: Entries = new Map();
  #refreshing: Promise<RefreshResult> | undefined;
  #known = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Does no I/O. */
  constructor({ stores = [], signers = [], refreshInterval, ...options }: AccountDirectoryOptions) {
    assertArgument(stores.length + signers.length > 0, "pass at least one store or signer", "stores", stores);
    assertArgument(
      refreshInterval === undefined ||
        (Number.isSafeInteger(refreshInterval) && refreshInterval >= 1 && refreshInterval <= MAX_INTERVAL),
      `refreshInterval must be an integer number of milliseconds from 1 to ${MAX_INTERVAL}`,
      "refreshInterval",
      refreshInterval,
    );
    const sources = [
      ...signers.map((signer) => new SignerSource(signer)),
      ...stores.map((store) => new StoreSource(store, options)),
    ];
    this.#states = new Map(sources.map((source) => [source, { lastRefresh: undefined, refreshError: undefined }]));
    this.#interval = refreshInterval;
  }

  /**
   * Lists all stores again, side by side. Calls that come while one runs share it.
   *
   * It does not reject because a store cannot be listed: `failed` says so.
   */
  async refresh({ signal }: CallOptions = {}): Promise<RefreshResult> {
    this.#requireOpen();
    signal?.throwIfAborted();
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = undefined;
      this.#schedule();
    });
    const refreshing = this.#refreshing;
    return withDeadline(() => refreshing, { signal });
  }

  /** The addresses, with the checksum of EIP-55. @throws what every source failed with, where none could be listed yet. */
  async accounts(options: CallOptions = {}): Promise<string[]> {
    return [...(await this.#ready(options)).keys()];
  }

  /** The accounts, each with its key's identifier and name. */
  async list(options: CallOptions = {}): Promise<Account[]> {
    return Array.from((await this.#ready(options)).values(), ({ account }) => account);
  }

  /** Whether there is a key for the address, which may be in lower case. */
  async has(address: string, options: CallOptions = {}): Promise<boolean> {
    return (await this.#ready(options)).has(getAddress(address));
  }

  /**
   * The signer for an address, connected to `provider`. It asks no store.
   *
   * @throws SignerError KEY_NOT_FOUND where the directory has no such account: `refresh()` finds keys that are new.
   */
  async getSigner(address: string, provider: null | Provider = null, options: CallOptions = {}): Promise<RemoteSigner> {
    const entry = (await this.#ready(options)).get(getAddress(address));
    if (entry) return entry.signer.connect(provider);
    throw new SignerError(
      "KEY_NOT_FOUND",
      `no store has a key for ${address}; call refresh() if it was added just now`,
      {
        operation: "getSigner",
      },
    );
  }

  /** Calls `listener` after each refresh that added, removed or changed an account. */
  on(_event: "change", listener: (changes: RefreshResult) => void): this {
    this.#listeners.add(listener);
    return this;
  }

  /** Ends what `on` began; a listener that is not there is not an error. */
  off(_event: "change", listener: (changes: RefreshResult) => void): this {
    this.#listeners.delete(listener);
    return this;
  }

  /** What is known of each source, and what each store says of itself now. */
  async health({ signal }: CallOptions = {}): Promise<SourceHealth[]> {
    this.#requireOpen();
    return Promise.all(
      Array.from(this.#states, async ([source, { lastRefresh, refreshError }]) => {
        const { backend, id, entries } = source;
        const health = await source.health(signal).catch((error: unknown) => unhealthy(error, source, signal));
        return { ...health, backend, source: id, accounts: entries.size, lastRefresh, refreshError };
      }),
    );
  }

  /** Ends refreshing, one that runs included. Idempotent; later calls fail with SIGNER_CLOSED. */
  close(): void {
    clearTimeout(this.#timer);
    this.#ending.abort(closedError());
  }

  async #ready(options: CallOptions): Promise<Entries> {
    this.#requireOpen();
    if (this.#known) return this.#entries;
    const { failed } = await this.refresh(options);
    // No account at all and every source out of reach is not "no accounts".
    if (!this.#known) throw failed[0]?.error;
    return this.#entries;
  }

  async #refresh(): Promise<RefreshResult> {
    const failed = (await Promise.all(Array.from(this.#states, (each) => this.#refreshSource(...each)))).flat();
    this.#requireOpen();
    const entries = mergeEntries([...this.#states.keys()]);
    const result = { ...compareEntries(this.#entries, entries), failed };
    this.#entries = entries;
    this.#known ||= [...this.#states.values()].some(({ lastRefresh }) => lastRefresh !== undefined);
    if (result.added.length + result.removed.length + result.changed.length > 0) this.#emit(result);
    return result;
  }

  async #refreshSource(source: AccountSource, state: State): Promise<RefreshFailure[]> {
    const { backend, id } = source;
    try {
      await withDeadline((signal) => source.refresh(signal), { signal: this.#ending.signal });
      state.lastRefresh = new Date();
      state.refreshError = undefined;
      return source.failedKeys.map((key) => ({ backend, source: id, key, error: key.error }));
    } catch (error) {
      state.refreshError = error;
      return [{ backend, source: id, key: undefined, error }];
    }
  }

  #emit(result: RefreshResult): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(result);
      } catch (error) {
        // The listener's own fault: it must not fail the refresh, and must not go unseen.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }

  #schedule(): void {
    if (this.#interval === undefined || this.#ending.signal.aborted) return;
    clearTimeout(this.#timer);
    // A refresh reports its failures in its result, and in health(); only closing rejects it.
    this.#timer = setTimeout(() => this.refresh().catch(() => undefined), this.#interval);
    (this.#timer as { unref?: () => void }).unref?.();
  }

  #requireOpen(): void {
    if (this.#ending.signal.aborted) throw closedError();
  }
}

const ANSWERED_NOTHING: readonly SignerErrorCode[] = ["BACKEND_UNAVAILABLE", "BACKEND_TIMEOUT", "DEPENDENCY_MISSING"];

/** One source that fails, whatever it throws, is not the directory's failure. @throws the signal's reason. */
function unhealthy(thrown: unknown, { backend, id }: AccountSource, signal: AbortSignal | undefined): StoreHealth {
  if (signal?.aborted) throw thrown;
  const error = isSignerError(thrown)
    ? thrown
    : new SignerError("BACKEND_UNAVAILABLE", `${id} failed with an unexpected error; see the cause`, {
        ...{ backend, operation: "health", retryable: false, cause: thrown },
      });
  const reachable = !ANSWERED_NOTHING.includes(error.code);
  return { reachable, canList: undefined, canSign: undefined, error };
}

function closedError(): SignerError {
  return new SignerError("SIGNER_CLOSED", "the directory was closed; construct a new one");
}
