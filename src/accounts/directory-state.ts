import type { AccountSource, Entry } from "./account-source.ts";

/** What a refresh changed. Each address is in one of the lists. */
export interface AccountChanges {
  /** Accounts that were not there before. */
  readonly added: readonly string[];
  /** No store has a key for them any more. */
  readonly removed: readonly string[];
  /** The same address, by another key, or under another name. */
  readonly changed: readonly string[];
  /** Accounts that are as they were. */
  readonly unchanged: readonly string[];
}

export type Entries = ReadonlyMap<string, Entry>;

/** All sources' accounts, by address. Of several keys for one address, the first source's counts. */
export function mergeEntries(sources: readonly AccountSource[]): Entries {
  const merged = new Map<string, Entry>();
  for (const { entries } of sources) {
    for (const [address, entry] of entries) if (!merged.has(address)) merged.set(address, entry);
  }
  return merged;
}

export function compareEntries(before: Entries, after: Entries): AccountChanges {
  const kept = [...after.keys()].filter((address) => before.has(address));
  const isChanged = (address: string) => !sameEntry(before.get(address), after.get(address));
  return {
    added: [...after.keys()].filter((address) => !before.has(address)),
    removed: [...before.keys()].filter((address) => !after.has(address)),
    changed: kept.filter(isChanged),
    unchanged: kept.filter((address) => !isChanged(address)),
  };
}

function sameEntry(a: Entry | undefined, b: Entry | undefined): boolean {
  return a?.signer === b?.signer && a?.account.name === b?.account.name;
}
