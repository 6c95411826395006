import { setTimeout } from "node:timers/promises";
import type { RemoteSigner } from "ethers-hsm";

/** Something that goes wrong at a backend for a while. */
export interface Disturbance {
  readonly name: string;
  /** Codes that callers may see meanwhile, beside those of a backend that is out of reach. */
  readonly codes?: readonly string[];
  /** Begins it, or does it once. `false` where it could not be done. */
  readonly strike: () => unknown;
  /** For a fault that is there or not: how long it is. Else it strikes again after this pause. */
  readonly ms: number;
}

export interface Backend {
  readonly name: string;
  readonly address: string;
  /** Of one key: signers with a generous and with a very short deadline. */
  readonly signer: RemoteSigner;
  readonly hasty: RemoteSigner;
  readonly disturbances: readonly Disturbance[];
  /** Takes every fault away, and has everything running that has to run. */
  readonly heal: () => Promise<void>;
}

const OUT_OF_REACH = ["BACKEND_UNAVAILABLE", "BACKEND_TIMEOUT", "THROTTLED"];

interface Struck {
  readonly backend: string;
  readonly disturbance: string;
  /** How often it was chosen, and how often it could be done then. */
  readonly turns: number;
  readonly strikes: number;
}

/** How often each disturbance of a backend came, by its name. */
export class Strikes {
  readonly #backend: Backend;
  readonly #turns = new Map<string, number>();
  readonly #strikes = new Map<string, number>();

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /** One of those that had the fewest turns, by chance. */
  choose(): Disturbance | undefined {
    const { disturbances } = this.#backend;
    const fewest = Math.min(...disturbances.map(({ name }) => this.#turns.get(name) ?? 0));
    const rarest = disturbances.filter(({ name }) => (this.#turns.get(name) ?? 0) === fewest);
    return rarest[Math.floor(Math.random() * rarest.length)];
  }

  /** @param strikes in one turn of this disturbance. */
  add(name: string, strikes: number): void {
    this.#turns.set(name, (this.#turns.get(name) ?? 0) + 1);
    this.#strikes.set(name, (this.#strikes.get(name) ?? 0) + strikes);
  }

  /** Of all disturbances together. */
  get total(): number {
    return [...this.#strikes.values()].reduce((sum, count) => sum + count, 0);
  }

  table(): Struck[] {
    return this.#backend.disturbances.map(({ name }) => ({
      ...{ backend: this.#backend.name, disturbance: name },
      ...{ turns: this.#turns.get(name) ?? 0, strikes: this.#strikes.get(name) ?? 0 },
    }));
  }
}

/** Lets one fault after another happen to a backend, the rarest first, until it is told to stop; then heals it. */
export class Trouble {
  readonly #backend: Backend;
  readonly #strikes: Strikes;
  readonly #stopping = new AbortController();
  #codes: readonly string[] = OUT_OF_REACH;

  /** @param strikes where it is counted what came; it says whose turn it is. */
  constructor(backend: Backend, strikes: Strikes) {
    this.#backend = backend;
    this.#strikes = strikes;
  }

  /** The codes that calls may fail with that are under way now. */
  get codes(): readonly string[] {
    return this.#codes;
  }

  async run(): Promise<void> {
    const { signal } = this.#stopping;
    try {
      while (!signal.aborted) {
        const chosen = this.#strikes.choose();
        if (!chosen) return;
        // A call may outlive the fault that it failed by: codes are only added.
        this.#codes = [...new Set([...this.#codes, ...(chosen.codes ?? [])])];
        await this.#suffer(chosen, signal);
        await this.#backend.heal();
        await pause(500 + Math.random() * 1_500, signal);
      }
    } finally {
      await this.#backend.heal();
    }
  }

  stop(): void {
    this.#stopping.abort();
  }

  async #suffer({ name, strike, ms }: Disturbance, signal: AbortSignal): Promise<void> {
    const end = performance.now() + 3_000 + Math.random() * 8_000;
    let strikes = 0;
    while (performance.now() < end && !signal.aborted) {
      if ((await strike()) !== false) strikes += 1;
      await pause(ms, signal);
    }
    this.#strikes.add(name, strikes);
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await setTimeout(ms, undefined, { signal }).catch(() => {});
}
