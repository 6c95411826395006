import type { NonceAccount, NonceCommit, NonceRecord, NonceStore, NonceView } from "../../nonces/store.ts";
import { expect } from "../contract/expectation.ts";

/** What a case gets: two stores over the same data, and an account that has no records. */
export interface StoreContext {
  readonly store: NonceStore;
  readonly other: NonceStore;
  readonly account: NonceAccount;
}

/** The body of a case. */
export type StoreRequirement = (context: StoreContext) => Promise<void>;

/** A commit that no other number has. */
export function commitOf(nonce: number, index: number, key: string | null = null): NonceCommit {
  const hash = `0x${(index + 1).toString(16).padStart(64, "0")}`;
  return { nonce, key, intent: `intent ${index}`, hash, raw: `0x02${hash.slice(2)}` };
}

/** Commits, and returns the record. */
export async function committed({ store, account }: StoreContext, entry: NonceCommit): Promise<NonceRecord> {
  const result = await store.commit(account, entry);
  expect(result.outcome === "committed", `the commit of nonce ${entry.nonce} must be committed, not ${result.outcome}`);
  return result.record;
}

/** Compares by JSON: records are plain. */
export function expectSame(actual: unknown, expected: unknown, what: string): void {
  const [found, wanted] = [JSON.stringify(actual), JSON.stringify(expected)];
  expect(found === wanted, `${what} must be ${wanted}; it is ${found}`);
}

/** Each open record as its nonce and its state. */
export function openStates({ open }: NonceView): string[] {
  return open.map(({ nonce, state }) => `${nonce} ${state}`);
}
