import { setTimeout } from "node:timers/promises";
import type { Backend } from "./backend.ts";
import { observe } from "./observe.ts";
import type { Sends } from "./sends.ts";
import { DOORS } from "./signing.ts";
import type { Tally } from "./tally.ts";

export interface LoadOptions {
  /** Calls in a second, of all kinds together. */
  readonly rate: number;
  /** No more are begun while so many are under way. */
  readonly most: number;
  /** Which codes a backend's callers may see, beside a deadline's and an abort's own. */
  readonly allowed: (backend: Backend) => readonly string[];
  readonly allowedOfSends: (backend: Backend) => readonly string[];
}

/** Identity and signature have a deadline of 30 s each, and a busy machine is late; sends stand in line behind others. */
const LIMIT = 120_000;
const LIMIT_OF_SENDS = 480_000;
const STORM = 40;
const AT_ONCE = 4;
const SENT_TYPES = [0, 1, 2, 4];

/** Every kind of call, by chance, at a steady pace. */
export class Load {
  readonly #backends: readonly Backend[];
  readonly #sends: Sends;
  readonly #tally: Tally;
  /** Lives as long as the application, as that of a shutdown does: nothing may gather on it. */
  readonly #lasting = new AbortController().signal;

  constructor(backends: readonly Backend[], sends: Sends, tally: Tally) {
    this.#backends = backends;
    this.#sends = sends;
    this.#tally = tally;
  }

  get lastingSignal(): AbortSignal {
    return this.#lasting;
  }

  /** Begins calls for so long, and does not wait for their ends. */
  async run(ms: number, options: LoadOptions): Promise<void> {
    const begun = performance.now();
    let due = 0;
    for (let passed = 0; passed < ms; passed = performance.now() - begun) {
      for (; due < (passed * options.rate) / 1_000; due += 1) {
        if (this.#tally.inFlight < options.most) this.#begin(options);
      }
      await setTimeout(20);
    }
  }

  /** Waits until every call was answered. @returns whether that was so in time. */
  async drained(): Promise<boolean> {
    const end = performance.now() + LIMIT_OF_SENDS + LIMIT;
    while (this.#tally.inFlight > 0 && performance.now() < end) await setTimeout(20);
    return this.#tally.inFlight === 0;
  }

  /** One call after the other until one succeeds, for a minute at most; then so many in a row, which all have to. */
  async recovers(backend: Backend, calls: number): Promise<void> {
    const end = performance.now() + 60_000;
    const { name: who, signer, address } = backend;
    const [digest] = DOORS;
    const ask = async () => (await digest?.ask(signer))?.(address) ?? false;
    while (!(await ask().catch(() => false))) {
      if (performance.now() > end) return this.#tally.violate(`${who}: no call succeeded in a minute after the fault`);
      await setTimeout(50);
    }
    let left = calls;
    const caller = async () => {
      while (left-- > 0) await observe(this.#tally, ask, { who, allowed: () => [], limitMs: LIMIT });
    };
    const row = Array.from({ length: AT_ONCE }, caller);
    await Promise.all(row);
  }

  #begin(options: LoadOptions): void {
    const backend = pick(this.#backends);
    const chance = Math.random();
    if (chance < 0.12) this.#send(backend, options);
    else if (chance < 0.24) this.#abort(backend, options);
    else if (chance < 0.3) this.#hurry(backend, options);
    else if (chance < 0.302) for (let index = 0; index < STORM; index += 1) this.#stormy(backend, options);
    else this.#sign(backend, options);
  }

  #sign(backend: Backend, { allowed }: LoadOptions): void {
    const { name: who, signer, address } = backend;
    const ask = async () => (await pick(DOORS).ask(signer, this.#lasting))(address);
    void observe(this.#tally, ask, { who, allowed: () => allowed(backend), limitMs: LIMIT });
  }

  /** In a storm every second call is aborted. */
  #stormy(backend: Backend, options: LoadOptions): void {
    if (Math.random() < 0.5) this.#abort(backend, options);
    else this.#sign(backend, options);
  }

  #abort(backend: Backend, { allowed }: LoadOptions): void {
    const { name: who, signer, address } = backend;
    const controller = new AbortController();
    const reason = new Error("the caller changed its mind");
    const [digest = pick(DOORS)] = DOORS;
    const timer = globalThis.setTimeout(() => controller.abort(reason), Math.random() * 30);
    const ask = async () => {
      try {
        return (await digest.ask(signer, controller.signal))(address);
      } finally {
        clearTimeout(timer);
      }
    };
    void observe(this.#tally, ask, { who, allowed: () => allowed(backend), limitMs: LIMIT, reason });
  }

  /** With a deadline so short that a slow answer is too late. */
  #hurry(backend: Backend, { allowed }: LoadOptions): void {
    const { name: who, hasty, address } = backend;
    const ask = async () => (await pick(DOORS).ask(hasty))(address);
    const codes = () => ["BACKEND_TIMEOUT", ...allowed(backend)];
    void observe(this.#tally, ask, { who: `${who}, hasty`, allowed: codes, limitMs: LIMIT });
  }

  #send(backend: Backend, { allowedOfSends }: LoadOptions): void {
    const who = `${backend.name}, sends`;
    const ask = async () => {
      await this.#sends.send(backend, pick(SENT_TYPES));
      return true;
    };
    void observe(this.#tally, ask, { who, allowed: () => allowedOfSends(backend), limitMs: LIMIT_OF_SENDS });
  }
}

function pick<T>(of: readonly T[]): T {
  return of[Math.floor(Math.random() * of.length)] as T;
}
