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

// A cluster of nodes needs seconds to agree on what is pending.
const GRACE = 60_000;
const MAX_ENTRIES = 1_000;

/**
 * The nonces of one account on one chain that were broadcast and that the chain's count may not show yet: behind a load
 * balancer, the next node asked may lag behind the one that took the transaction.
 *
 * A transaction that the node lost (dropped, or gone with a restart) gives its nonce back a minute after it was sent.
 */
export class NonceLedger {
  readonly #sources: NonceLedgerSources;
  readonly #sent = new Map<number, SentTransaction>();

  constructor(sources: NonceLedgerSources) {
    this.#sources = sources;
  }

  /** The lowest nonce that neither the chain nor a transaction of ours has taken. It reserves nothing. */
  async next(): Promise<number> {
    const count = await this.#sources.count();
    for (const nonce of this.#sent.keys()) if (nonce < count) this.#sent.delete(nonce);
    for (let nonce = count; ; nonce += 1) {
      const sent = this.#sent.get(nonce);
      if (!sent) return nonce;
      if (this.#sources.now() - sent.at < GRACE || (await this.#sources.knows(sent.hash))) continue;
      this.#sent.delete(nonce);
      return nonce;
    }
  }

  /** Notes that the node took the transaction `hash` with this nonce. */
  record(nonce: number, hash: string): void {
    this.#sent.set(nonce, { hash, at: this.#sources.now() });
    const [oldest] = this.#sent.keys();
    // Only callers who choose every nonce themselves get here: next() forgets what the chain shows.
    if (this.#sent.size > MAX_ENTRIES && oldest !== undefined) this.#sent.delete(oldest);
  }
}
