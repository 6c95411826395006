/** One amount that counts against a limit. */
export interface LimitEntry {
  /** Random, hex. */
  readonly id: string;
  /** What it is for: of entries with the same one, the highest counts, as of a transaction and its replacement. */
  readonly ref: string;
  /** In the limit's base unit. */
  readonly amount: bigint;
  /** When it began to count: milliseconds since 1970, by the store's clock. */
  readonly at: number;
  /** When it no longer counts, by the store's clock. */
  readonly until: number;
}

/** What a store has of one limit. */
export interface LimitView {
  /** The store's clock: milliseconds since 1970. */
  readonly now: number;
  /** Changes with each write. 0 before the first. */
  readonly version: number;
  /** All entries of the limit, in any order. */
  readonly entries: readonly LimitEntry[];
}

/** What is written in one step. */
export interface LimitChange {
  /** Added, or put in the place of those with the same id. */
  readonly put: readonly LimitEntry[];
  /** The ids of entries that are deleted; none of them is in `put`. */
  readonly remove: readonly string[];
}

/**
 * Where the amounts of rolling limits are kept, shared by all processes that sign for them.
 *
 * Each method is one atomic step. A `write` that resolves with true has stored its change, durably; one that rejects may have done so. The rules
 * are not the store's: `ethers-hsm/policy` reads, decides, and writes if nothing changed meanwhile.
 */
export interface LimitStore {
  /**
   * What is known of a limit.
   *
   * @param limit the limit's identifier: any text.
   */
  read(limit: string): Promise<LimitView>;
  /** Writes if the version is still this one. @returns whether it did. */
  write(limit: string, version: number, change: LimitChange): Promise<boolean>;
}

/** A store in this process: other processes do not see its amounts, and they are lost when it ends. */
export function memoryLimitStore(): LimitStore {
  const limits = new Map<string, { version: number; entries: Map<string, LimitEntry> }>();
  return {
    async read(limit) {
      const { version = 0, entries } = limits.get(limit) ?? {};
      return { now: Date.now(), version, entries: [...(entries?.values() ?? [])] };
    },
    async write(limit, version, { put, remove }) {
      const stored = limits.get(limit) ?? { version: 0, entries: new Map() };
      if (stored.version !== version) return false;
      for (const id of remove) stored.entries.delete(id);
      for (const entry of put) stored.entries.set(entry.id, entry);
      stored.version++;
      limits.set(limit, stored);
      return true;
    },
  };
}
