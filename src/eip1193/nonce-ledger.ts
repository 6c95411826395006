interface SentTransaction {
  readonly hash: string;
  readonly at: number;
}

/** What the ledger asks the chain, and the clock. */
export interface NonceLedgerSources {
  /** The account's transaction count with the pending ones. */
  count(): Promise<number>;
  /** Whether the node knows this transaction, pending or mined. */
  knows(hash: string): Promise<boolean>;
  /** Milliseconds since some fixed moment. */
  now(): number;
}

/** A cluster of nodes needs seconds to agree on what is pending. */
const GRACE = 60_000;
const MAX_ENTRIES = 1_000;

/**
 * The nonces of one account on one chain that are in use and that the chain's count may not show yet: of transactions that are
 * being signed or sent, and of those that were sent, since behind a load balancer the next node may lag behind the one that
 * took the transaction.
 *
 * A transaction that the node lost (dropped, or gone with a restart) frees its nonce a minute after it was sent.
 */
export class NonceLedger {
  readonly #sources: NonceLedgerSources;
  readonly #sent = new Map<number, SentTransaction>();
  /** How many sends use each nonce now. */
  readonly #inUse = new Map<number, number>();
  #highestCount = 0;
  #asked = 0;
  #answered = 0;
  #revision = 0;

  constructor(sources: NonceLedgerSources) {
    this.#sources = sources;
  }

  /** Changes when a nonce that was in use became free again: a later one that was taken meanwhile may be too high. */
  get revision(): number {
    return this.#revision;
  }

  /** Whether nothing is remembered. */
  get isEmpty(): boolean {
    return this.#sent.size === 0 && this.#inUse.size === 0;
  }

  /** The lowest nonce that is free: neither counted by the chain, nor in use. It reserves nothing. */
  async next(): Promise<number> {
    const count = await this.#count();
    for (const nonce of this.#sent.keys()) if (nonce < count) this.#sent.delete(nonce);
    for (let nonce = count; ; nonce += 1) {
      if (this.#inUse.has(nonce)) continue;
      const sent = this.#sent.get(nonce);
      if (!sent) return nonce;
      if (this.#sources.now() - sent.at < GRACE || (await this.#sources.knows(sent.hash))) continue;
      this.#sent.delete(nonce);
      return nonce;
    }
  }

  /** Whether a transaction with this nonce would replace another one. */
  async isTaken(nonce: number): Promise<boolean> {
    return this.#inUse.has(nonce) || this.#sent.has(nonce) || nonce < (await this.#count());
  }

  /** Notes the chain's count, so that a lower one is noticed later. It never fails. */
  async observe(): Promise<void> {
    await this.#count().catch(() => {});
  }

  /** Marks the nonce as in use, until the function that it returns is called. */
  take(nonce: number): (sent?: string) => void {
    this.#inUse.set(nonce, (this.#inUse.get(nonce) ?? 0) + 1);
    return (hash) => {
      const others = (this.#inUse.get(nonce) ?? 1) - 1;
      if (others > 0) this.#inUse.set(nonce, others);
      else this.#inUse.delete(nonce);
      if (hash === undefined) this.#revision += 1;
      else this.#record(nonce, hash);
    };
  }

  /** Forgets what was sent: the chain was set back, or its count was changed. */
  forget(): void {
    this.#sent.clear();
    this.#highestCount = 0;
    this.#revision += 1;
  }

  #record(nonce: number, hash: string): void {
    this.#sent.set(nonce, { hash, at: this.#sources.now() });
    const [oldest] = this.#sent.keys();
    // Only callers who choose every nonce themselves get here: next() forgets what the chain shows.
    if (this.#sent.size > MAX_ENTRIES && oldest !== undefined) this.#sent.delete(oldest);
  }

  async #count(): Promise<number> {
    this.#asked += 1;
    const asked = this.#asked;
    const count = await this.#sources.count();
    // A response that was overtaken by a later one says nothing new.
    if (asked < this.#answered) return Math.max(count, this.#highestCount);
    this.#answered = asked;
    if (count < this.#highestCount) this.forget();
    this.#highestCount = count;
    return count;
  }
}
