import { setTimeout } from "node:timers/promises";
import { isSignerError } from "ethers-hsm";
import type { Backend } from "./backend.ts";
import { observe, type Watched } from "./observe.ts";
import type { Sends } from "./sends.ts";
import { DIGEST, DOORS } from "./signing.ts";
import type { Tally } from "./tally.ts";

export interface LoadOptions {
  /** Calls in a second, of all kinds together. */
  readonly rate: number;
  /** No more are begun while so many are under way, nor while half of them wait for the same backend. */
  readonly most: number;
  /** Which codes a backend's callers may see, beside a deadline's and an abort's own. */
  readonly allowed: (backend: Backend) => readonly string[];
  readonly allowedOfSends: (backend: Backend) => readonly string[];
}

/** Identity and signature have a deadline of 30 s each, and a busy machine is late; sends stand in line behind others. */
const LIMIT = 120_000;
const LIMIT_OF_SENDS = 480_000;
/** The same of 100 ms each. */
const LIMIT_OF_HASTY = 20_000;
const MAY_RECOVER_MS = 60_000;
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
  readonly #underWay = new Map<Backend, number>();
  /** By the backend's name: how many calls were due and not begun, since too many were under way. */
  readonly skipped = new Map<string, number>();

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
        this.#begin(pick(this.#backends), options);
      }
      await setTimeout(20);
    }
  }

  /** Waits until every call was answered. @returns how many were not in time; they count as over. */
  async drain(): Promise<number> {
    const end = performance.now() + LIMIT_OF_SENDS + LIMIT;
    while (this.#tally.inFlight > 0 && performance.now() < end) await setTimeout(20);
    const left = this.#tally.inFlight;
    this.#tally.inFlight = 0;
    this.#underWay.clear();
    return left;
  }

  /** One call after the other until one succeeds, for a minute at most; then so many in a row, which all have to. */
  async recovers(backend: Backend, calls: number): Promise<void> {
    const end = performance.now() + MAY_RECOVER_MS;
    const { name: who, signer, address } = backend;
    const ask = async () => (await DIGEST.ask(signer))(address);
    while (!(await this.#succeeds(who, ask))) {
      if (performance.now() > end) return this.#tally.violate(`${who}: no call succeeded in a minute after the fault`);
      await setTimeout(50);
    }
    let left = calls;
    const caller = async () => {
      while (left-- > 0) await observe(this.#tally, ask, { who, what: DIGEST.name, allowed: () => [], limitMs: LIMIT });
    };
    const row = Array.from({ length: AT_ONCE }, caller);
    await Promise.all(row);
  }

  /** A backend may still fail, but neither sign wrongly nor with errors of another kind. */
  async #succeeds(who: string, ask: () => Promise<boolean>): Promise<boolean> {
    try {
      if (await ask()) return true;
      this.#tally.violate(`${who}: a wrong signature after the fault`);
    } catch (error) {
      if (!isSignerError(error)) this.#tally.violate(`${who}: no SignerError after the fault: ${String(error)}`);
    }
    return false;
  }

  #begin(backend: Backend, options: LoadOptions): void {
    const { most } = options;
    if (this.#tally.inFlight >= most || (this.#underWay.get(backend) ?? 0) >= most / 2) {
      this.skipped.set(backend.name, (this.skipped.get(backend.name) ?? 0) + 1);
      return;
    }
    const chance = Math.random();
    if (chance < 0.12) this.#send(backend, options);
    else if (chance < 0.24) this.#abort(backend, options);
    else if (chance < 0.3) this.#hurry(backend, options);
    else if (chance < 0.302) for (let index = 0; index < STORM; index += 1) this.#stormy(backend, options);
    else this.#sign(backend, options);
  }

  async #observe(backend: Backend, call: () => Promise<boolean>, watched: Watched): Promise<void> {
    this.#underWay.set(backend, (this.#underWay.get(backend) ?? 0) + 1);
    await observe(this.#tally, call, watched);
    this.#underWay.set(backend, Math.max(0, (this.#underWay.get(backend) ?? 0) - 1));
  }

  #sign(backend: Backend, { allowed }: LoadOptions): void {
    const { name: who, signer, address } = backend;
    const { name: what, ask: askAt } = pick(DOORS);
    const ask = async () => (await askAt(signer, this.#lasting))(address);
    void this.#observe(backend, ask, { who, what, allowed: () => allowed(backend), limitMs: LIMIT });
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
    const timer = globalThis.setTimeout(() => controller.abort(reason), Math.random() * 30);
    const ask = async () => {
      try {
        return (await DIGEST.ask(signer, controller.signal))(address);
      } finally {
        clearTimeout(timer);
      }
    };
    const watched = { who, what: DIGEST.name, allowed: () => allowed(backend), limitMs: LIMIT, reason };
    void this.#observe(backend, ask, watched);
  }

  /** With a deadline so short that a slow answer is too late. */
  #hurry(backend: Backend, { allowed }: LoadOptions): void {
    const { name, hasty, address } = backend;
    const { name: what, ask: askAt } = pick(DOORS);
    const ask = async () => (await askAt(hasty))(address);
    const codes = () => ["BACKEND_TIMEOUT", ...allowed(backend)];
    void this.#observe(backend, ask, { who: `${name}, hasty`, what, allowed: codes, limitMs: LIMIT_OF_HASTY });
  }

  #send(backend: Backend, { allowedOfSends }: LoadOptions): void {
    const who = `${backend.name}, sends`;
    const ask = async () => {
      await this.#sends.send(backend, pick(SENT_TYPES));
      return true;
    };
    const allowed = () => allowedOfSends(backend);
    void this.#observe(backend, ask, { who, what: "send", allowed, limitMs: LIMIT_OF_SENDS });
  }
}

function pick<T>(of: readonly T[]): T {
  return of[Math.floor(Math.random() * of.length)] as T;
}
