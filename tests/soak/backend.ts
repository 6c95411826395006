import { setTimeout } from "node:timers/promises";
import type { RemoteSigner } from "ethers-hsm";

/** Something that goes wrong at a backend for a while. */
export interface Disturbance {
  readonly name: string;
  /** Codes that callers may see meanwhile, beside those of a backend that is out of reach. */
  readonly codes?: readonly string[];
  /** Begins it, or does it once. */
  readonly strike: () => void | Promise<void>;
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

/** Lets one fault after another happen to a backend, in random order, until it is told to stop; then heals it. */
export class Trouble {
  readonly #backend: Backend;
  readonly #stopping = new AbortController();
  #codes: readonly string[] = OUT_OF_REACH;
  strikes = 0;

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /** The codes that calls may fail with that are under way now. */
  get codes(): readonly string[] {
    return this.#codes;
  }

  async run(): Promise<void> {
    const { signal } = this.#stopping;
    try {
      while (!signal.aborted) {
        const { disturbances } = this.#backend;
        const chosen = disturbances[Math.floor(Math.random() * disturbances.length)];
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

  async #suffer({ strike, ms }: Disturbance, signal: AbortSignal): Promise<void> {
    const end = performance.now() + 3_000 + Math.random() * 8_000;
    while (performance.now() < end && !signal.aborted) {
      await strike();
      this.strikes += 1;
      await pause(ms, signal);
    }
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await setTimeout(ms, undefined, { signal }).catch(() => {});
}
