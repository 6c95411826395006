import { isSignerError, SignerError } from "../core/errors.ts";
import { withDeadline } from "../signer/deadline.ts";
import type { Chain, Response } from "./chain.ts";
import { storeUnavailable } from "./errors.ts";
import {
  isLive,
  type NonceAccount,
  type NonceChange,
  type NonceQuery,
  type NonceRecord,
  type NonceStore,
  type NonceView,
} from "./store.ts";

/** What became of a record that was offered to the node. */
export interface Offer extends Response {
  readonly record: NonceRecord;
}

/** How often a change is tried while other processes change the same record. */
const TRIES = 5;

/** The records of one account, and what the chain says of them. */
export class AccountNonces {
  readonly account: NonceAccount;
  readonly #store: NonceStore;
  readonly #chain: Chain;
  readonly #grace: number;
  readonly #timeout: number;

  constructor(store: NonceStore, account: NonceAccount, chain: Chain, options: { grace: number; timeout: number }) {
    this.#store = store;
    this.account = account;
    this.#chain = chain;
    this.#grace = options.grace;
    this.#timeout = options.timeout;
  }

  async read(query?: NonceQuery): Promise<NonceView> {
    return this.call(() => this.#store.read(this.account, query));
  }

  /** A call to the store, which ends in time. @throws SignerError BACKEND_TIMEOUT, BACKEND_UNAVAILABLE. */
  async call<T>(call: () => Promise<T>): Promise<T> {
    const message = `the nonce store did not respond within ${this.#timeout} ms`;
    const error = () => new SignerError("BACKEND_TIMEOUT", message, { backend: "nonce-store" });
    try {
      return await withDeadline(call, { deadline: { ms: this.#timeout, error } });
    } catch (cause) {
      throw isSignerError(cause) ? cause : storeUnavailable(cause);
    }
  }

  /** Broadcasts the record's last attempt, and marks what the node says. The store's failure is not the broadcast's. */
  async offer(record: NonceRecord): Promise<Offer> {
    const last = record.attempts.at(-1);
    if (!last) return { verdict: "unknown", text: undefined, record };
    const response = await this.#chain.broadcast(last);
    try {
      return await this.#note(record, last.hash, response);
    } catch {
      return { ...response, record };
    }
  }

  async #note(record: NonceRecord, hash: string, response: Response): Promise<Offer> {
    switch (response.verdict) {
      case "has-it":
        return { ...response, record: await this.#accept(record, hash) };
      case "used": {
        const settled = await this.settle(record);
        const isOurs = ["accepted", "mined", "final"].includes(settled.state);
        return { ...response, verdict: isOurs ? "has-it" : "used", record: settled };
      }
      case "occupied":
      case "refused": {
        const refused = await this.#refuse(record, hash, response.verdict);
        const isOurs = ["accepted", "mined", "final"].includes(refused.state);
        return { ...response, verdict: isOurs ? "has-it" : response.verdict, record: refused };
      }
      default:
        return { ...response, record };
    }
  }

  async #accept(record: NonceRecord, hash: string): Promise<NonceRecord> {
    return this.#change(record, (current) => {
      if (current.state !== "signed" && current.state !== "vacant") return undefined;
      return { ...current, state: "accepted", usedAt: null, attempts: withOutcome(current, hash, "accepted") };
    });
  }

  /** Vacant, once every attempt was refused. What a node had accepted meanwhile stays so. */
  async #refuse(record: NonceRecord, hash: string, outcome: "refused" | "occupied"): Promise<NonceRecord> {
    return this.#change(record, (current) => {
      if (current.version !== record.version || !isLive(current.state)) return undefined;
      const attempts = withOutcome(current, hash, outcome);
      const isVacant = attempts.every((each) => each.outcome === "refused" || each.outcome === "occupied");
      return { ...current, state: isVacant ? "vacant" : current.state, attempts };
    });
  }

  /**
   * What became of a nonce that the chain says is used: `mined` with the attempt that has a receipt; `superseded` if none has one, nor
   * is known to the node, `grace` milliseconds after that was first seen. Until then it stays as it is: nodes behind a balancer disagree.
   */
  async settle(record: NonceRecord): Promise<NonceRecord> {
    const { attempts } = record;
    for (const { hash } of attempts) {
      if ((await this.#chain.receipt(hash)) === null) continue;
      if (!isLive(record.state)) await this.#supersedeRival(record);
      return this.#change(record, (current) => {
        const isKnown = current.state === "final" || (current.state === "mined" && current.minedHash === hash);
        return isKnown ? undefined : { ...current, state: "mined", minedHash: hash };
      });
    }
    for (const { hash } of attempts) if (await this.#chain.knows(hash)) return this.#accept(record, hash);
    const { now } = await this.read();
    return this.#change(record, (current) => {
      if (current.state === "final" || current.state === "superseded") return undefined;
      if (current.usedAt === null) return { ...current, usedAt: now };
      return now - current.usedAt < this.#grace ? undefined : { ...current, state: "superseded" };
    });
  }

  /** A mined record whose receipt is gone: its block was. */
  async reopen(record: NonceRecord): Promise<NonceRecord> {
    return this.#change(record, (current) => {
      return current.state === "mined" ? { ...current, state: "accepted", minedHash: null, usedAt: null } : undefined;
    });
  }

  async finalize(record: NonceRecord): Promise<NonceRecord> {
    return this.#change(record, (current) => (current.state === "mined" ? { ...current, state: "final" } : undefined));
  }

  /** Refused bytes were mined after all, and another transaction had got their nonce. */
  async #supersedeRival({ nonce, id }: NonceRecord): Promise<void> {
    const { open } = await this.read({ mined: true });
    const rival = open.find((each) => each.nonce === nonce && each.id !== id && isLive(each.state));
    if (rival) await this.#change(rival, (current) => ({ ...current, state: "superseded" }));
  }

  /** Changes the record as it is now, unless `change` finds nothing to change. @returns it as it is then. */
  async #change(record: NonceRecord, change: (current: NonceRecord) => NonceChange | undefined): Promise<NonceRecord> {
    let current = record;
    for (let tries = 0; tries < TRIES; tries += 1) {
      const wanted = change(current);
      if (!wanted) return current;
      const { id, version } = current;
      const changed = await this.call(() => this.#store.mark(this.account, id, version, wanted));
      if (changed) return changed;
      current = (await this.read({ id })).record ?? current;
    }
    return current;
  }
}

function withOutcome(record: NonceRecord, hash: string, outcome: "accepted" | "refused" | "occupied") {
  return record.attempts.map((each) => (each.hash === hash ? { ...each, outcome } : each));
}
