import {
  accountId,
  isLive,
  isOpen,
  type NonceAccount,
  type NonceChange,
  type NonceCommit,
  type NonceCommitResult,
  type NonceQuery,
  type NonceRecord,
  type NonceStore,
  type NonceView,
} from "./store.ts";

/**
 * A store in this process, and lost with it: while it is used, no other process may send from the same accounts. It forgets
 * what is final or superseded when it is pruned.
 */
export function memoryNonceStore(): NonceStore {
  return new MemoryNonceStore();
}

/** What is kept of one account: every record, and those that are looked for. */
class Records {
  readonly byId = new Map<string, NonceRecord>();
  readonly open = new Map<string, NonceRecord>();
  /** The latest of each key: a superseded record's key may be used again. */
  readonly byKey = new Map<string, string>();
  /** The one record that has each nonce alone. */
  readonly live = new Map<number, string>();
  turn: { readonly owner: string; readonly until: number } | undefined;
  #lastFinal = -1;

  set(record: NonceRecord): void {
    const { id, nonce, state } = record;
    this.byId.set(id, record);
    if (isOpen(state)) this.open.set(id, record);
    else this.open.delete(id);
    if (isLive(state)) this.live.set(nonce, id);
    else if (this.live.get(nonce) === id) this.live.delete(nonce);
    if (state === "final") this.#lastFinal = Math.max(this.#lastFinal, nonce);
  }

  delete({ id, nonce, key }: NonceRecord): void {
    this.byId.delete(id);
    if (this.live.get(nonce) === id) this.live.delete(nonce);
    if (key !== null && this.byKey.get(key) === id) this.byKey.delete(key);
  }

  byKeyOrId({ key, id }: NonceQuery): NonceRecord | undefined {
    return this.byId.get(id ?? this.byKey.get(key ?? "") ?? "");
  }

  /** One more than the highest nonce of those that `isCounted`. */
  after(isCounted: (record: NonceRecord) => boolean): number {
    const nonces = [...this.open.values()].filter(isCounted).map(({ nonce }) => nonce);
    return Math.max(this.#lastFinal, ...nonces) + 1;
  }
}

class MemoryNonceStore implements NonceStore {
  readonly #accounts = new Map<string, Records>();

  async read(account: NonceAccount, query: NonceQuery = {}): Promise<NonceView> {
    const records = this.#records(account);
    const { turn } = records;
    return {
      now: Date.now(),
      next: records.after(({ state }) => isLive(state)),
      settled: records.after(({ state }) => state === "mined"),
      open: [...records.open.values()]
        .filter(({ state }) => state !== "mined" || query.mined)
        .sort((one, other) => one.nonce - other.nonce),
      record: records.byKeyOrId(query),
      turn: turn && turn.until > Date.now() ? turn : undefined,
    };
  }

  async commit(account: NonceAccount, entry: NonceCommit): Promise<NonceCommitResult> {
    const { nonce, key, intent, hash, raw } = entry;
    const records = this.#records(account);
    const same = records.byId.get(hash);
    if (same) return { outcome: "committed", record: same };
    const keyed = key === null ? undefined : records.byKeyOrId({ key });
    if (keyed && keyed.state !== "superseded") return { outcome: "duplicate", record: keyed };
    if (records.live.has(nonce)) return { outcome: "taken" };
    const now = Date.now();
    const attempts = [{ hash, raw, outcome: "unknown" as const }];
    const rest = { minedHash: null, usedAt: null, createdAt: now, updatedAt: now };
    const record: NonceRecord = { id: hash, nonce, state: "signed", version: 1, attempts, key, intent, ...rest };
    records.set(record);
    if (key !== null) records.byKey.set(key, hash);
    return { outcome: "committed", record };
  }

  async attempt(
    account: NonceAccount,
    id: string,
    version: number,
    { hash, raw }: { hash: string; raw: string },
  ): Promise<NonceRecord | undefined> {
    const record = this.#records(account).byId.get(id);
    if (!record || !["signed", "accepted", "vacant"].includes(record.state)) return undefined;
    const attempts = [...record.attempts, { hash, raw, outcome: "unknown" as const }];
    return this.mark(account, id, version, { ...record, state: "signed", attempts });
  }

  async mark(
    account: NonceAccount,
    id: string,
    version: number,
    { state, attempts, minedHash, usedAt }: NonceChange,
  ): Promise<NonceRecord | undefined> {
    const records = this.#records(account);
    const record = records.byId.get(id);
    if (record?.version !== version) return undefined;
    if (isLive(state) && (records.live.get(record.nonce) ?? id) !== id) return undefined;
    const change = { state, attempts, minedHash, usedAt, version: version + 1, updatedAt: Date.now() };
    const changed = { ...record, ...change };
    records.set(changed);
    return changed;
  }

  async turn(account: NonceAccount, owner: string, milliseconds: number): Promise<boolean> {
    const records = this.#records(account);
    const { turn } = records;
    if (turn && turn.owner !== owner && turn.until > Date.now()) return false;
    records.turn = { owner, until: Date.now() + milliseconds };
    return true;
  }

  async prune(account: NonceAccount, milliseconds: number): Promise<number> {
    const records = this.#records(account);
    const all = [...records.byId.values()];
    const highest = all.reduce((most, { nonce }) => Math.max(most, nonce), 0);
    const before = Date.now() - milliseconds;
    const old = all.filter(({ state, nonce, updatedAt }) => !isOpen(state) && nonce < highest && updatedAt <= before);
    for (const record of old) records.delete(record);
    return old.length;
  }

  #records(account: NonceAccount): Records {
    const id = accountId(account);
    const records = this.#accounts.get(id) ?? new Records();
    this.#accounts.set(id, records);
    return records;
  }
}
