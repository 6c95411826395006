import { accountId, type NonceAccount, type NonceStore } from "./store.ts";

/** One task after the other, in the order of the calls. */
class Sequence {
  #last: Promise<unknown> = Promise.resolve();

  run<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#last.then(task);
    this.#last = result.catch(() => {});
    return result;
  }
}

/** The sends of one account in this process: they neither compete for a nonce nor reach the node out of order. */
export class Line {
  readonly signing = new Sequence();
  readonly broadcasting = new Sequence();
  /** Whether the chain's node holds no transaction that is ahead of its turn. */
  isSequential = false;
  /** After how many grace periods this process reconciles: 1 to 2, so that those which share a store rarely do it at once. */
  readonly patience = 1 + Math.random();
  /** When it was last reconciled, on the monotonic clock. */
  reconciledAt = Number.NEGATIVE_INFINITY;
}

const lines = new WeakMap<NonceStore, Map<string, Line>>();

export function lineOf(store: NonceStore, account: NonceAccount): Line {
  const ofStore = lines.get(store) ?? new Map<string, Line>();
  lines.set(store, ofStore);
  const line = ofStore.get(accountId(account)) ?? new Line();
  ofStore.set(accountId(account), line);
  return line;
}
