import { withDeadline } from "../signer/deadline.ts";
import type { LimitChange, LimitEntry, LimitStore, LimitView } from "./limit-store.ts";

/** What is to be held. */
export interface Hold {
  readonly id: string;
  readonly ref: string;
  readonly amount: bigint;
}

/** Undefined if it is held; else when the same hold may succeed, null if never. */
export type HoldRefusal = { readonly availableAt: number | null } | undefined;

/** A step of the batch: it looks at the entries as its predecessors leave them, and changes them. */
interface Task {
  run(entries: Map<string, LimitEntry>, now: number): void;
  resolve(): void;
  reject(error: unknown): void;
}

/** The longest pause before a write is tried again that another process was faster than, in milliseconds. */
const MAX_PAUSE = 20;

/**
 * One rolling limit: the sum of what was spent or is held within the last `window` milliseconds never exceeds `atMost`.
 *
 * A hold counts from before the key is asked until the window ends. It is released only if certainly nothing was signed, so that a crash, a
 * lost answer or a store that fails leave the limit stricter, never looser. The calls of one process that wait together share one write.
 */
export class RollingLimit {
  readonly #store: LimitStore;
  readonly #id: string;
  readonly #atMost: bigint;
  readonly #window: number;
  readonly #timeout: number;
  #waiting: Task[] = [];
  #isRunning = false;

  /** @param timeout for each step of the store, in milliseconds. */
  constructor(store: LimitStore, id: string, { atMost, window }: { atMost: bigint; window: number }, timeout: number) {
    this.#store = store;
    this.#id = id;
    this.#atMost = atMost;
    this.#window = window;
    this.#timeout = timeout;
  }

  /** Holds the amount if the limit has room for it. @throws what the store fails with: it may be held then. */
  async hold(hold: Hold): Promise<HoldRefusal> {
    let refusal: HoldRefusal;
    await this.#enqueue((entries, now) => {
      refusal = this.#check([...entries.values()], hold, now);
      if (!refusal) entries.set(hold.id, this.#entry(hold, now));
    });
    return refusal;
  }

  /** The hold was spent: its window begins now, since a signature may take long. */
  async spend(hold: Hold): Promise<void> {
    await this.#enqueue((entries, now) => entries.set(hold.id, this.#entry(hold, now)));
  }

  /** Certainly nothing was signed with the hold. */
  async release({ id }: Hold): Promise<void> {
    await this.#enqueue((entries) => entries.delete(id));
  }

  #entry(hold: Hold, now: number): LimitEntry {
    return { ...hold, at: now, until: now + this.#window };
  }

  /** From the newest entry on: the first that no longer fits beside the hold must end before it. */
  #check(entries: readonly LimitEntry[], hold: Hold, now: number): HoldRefusal {
    if (hold.amount > this.#atMost) return { availableAt: null };
    const counted = entries.filter(({ at }) => at > now - this.#window).sort((one, other) => other.at - one.at);
    const highest = new Map([[hold.ref, hold.amount]]);
    let sum = hold.amount;
    for (const { ref, amount, at } of counted) {
      const before = highest.get(ref) ?? 0n;
      if (amount <= before) continue;
      sum += amount - before;
      highest.set(ref, amount);
      if (sum > this.#atMost) return { availableAt: at + this.#window };
    }
    return undefined;
  }

  #enqueue(run: Task["run"]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ run, resolve, reject });
      if (!this.#isRunning) this.#work();
    });
  }

  async #work(): Promise<void> {
    this.#isRunning = true;
    // The calls of this turn of the event loop share the first write.
    await undefined;
    while (this.#waiting.length > 0) {
      const tasks = this.#waiting;
      this.#waiting = [];
      try {
        await this.#runTogether(tasks);
        for (const { resolve } of tasks) resolve();
      } catch (error) {
        for (const { reject } of tasks) reject(error);
      }
    }
    this.#isRunning = false;
  }

  async #runTogether(tasks: readonly Task[]): Promise<void> {
    for (;;) {
      const view = await this.#call(() => this.#store.read(this.#id));
      const entries = new Map(view.entries.filter(({ until }) => until > view.now).map((each) => [each.id, each]));
      for (const { run } of tasks) run(entries, view.now);
      const change = findChange(view, entries);
      if (change.put.length + change.remove.length === 0) return;
      if (await this.#call(() => this.#store.write(this.#id, view.version, change))) return;
      await new Promise((resolve) => setTimeout(resolve, Math.random() * MAX_PAUSE));
    }
  }

  #call<T>(call: () => Promise<T>): Promise<T> {
    const ms = this.#timeout;
    const error = () => new Error(`the limit's store did not respond within ${ms} ms`);
    return withDeadline(async () => call(), { deadline: { ms, error } });
  }
}

function findChange({ entries }: LimitView, after: ReadonlyMap<string, LimitEntry>): LimitChange {
  const before = new Map(entries.map((each) => [each.id, each]));
  return {
    put: [...after.values()].filter((each) => before.get(each.id) !== each),
    remove: [...before.keys()].filter((id) => !after.has(id)),
  };
}
