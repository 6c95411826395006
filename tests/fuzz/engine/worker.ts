import { parentPort, workerData } from "node:worker_threads";
import type { FuzzTarget } from "../target.ts";
import { Features } from "./features.ts";
import { attempt, review, Violation } from "./judge.ts";
import { mutate } from "./mutate.ts";
import { Random } from "./random.ts";
import { Watched } from "./watched.ts";

/** What a worker is told. */
export interface WorkOrder {
  /** To look for more; or only to tell which inputs of the corpus reach branches that the seeds and shorter inputs do not. */
  readonly task: "search" | "minimise";
  readonly seed: string;
  /** How long it runs, or how many executions: whichever ends first. */
  readonly seconds: number;
  readonly executions: number;
  readonly corpus: readonly Uint8Array[];
  readonly words: readonly string[];
  /** How many branches the instrumented source has. */
  readonly branches: number;
  readonly memory: SharedArrayBuffer;
}

/** What a worker did. */
export interface WorkReport {
  readonly executions: number;
  readonly accepted: number;
  /** Inputs that reached something new, beyond the corpus that it was given; or those of the corpus that are needed. */
  readonly added: readonly Uint8Array[];
  readonly unreached: readonly number[];
  readonly finding: { readonly kind: string; readonly message: string; readonly input: Uint8Array } | undefined;
}

/** The loop: takes an input that reached something new, changes it, looks at what the decoder makes of it. */
export function work(target: FuzzTarget): void {
  const order = workerData as WorkOrder;
  // Refusals are made by the million here, and their stacks would be most of the work.
  Error.stackTraceLimit = 0;
  parentPort?.postMessage(new Loop(target, order).run());
}

class Loop {
  readonly #target: FuzzTarget;
  readonly #order: WorkOrder;
  readonly #random: Random;
  readonly #features: Features;
  readonly #watched: Watched;
  readonly #pool: Uint8Array[] = [];
  readonly #added: Uint8Array[] = [];
  readonly #words: readonly Uint8Array[];
  #executions = 0;
  #accepted = 0;

  constructor(target: FuzzTarget, order: WorkOrder) {
    this.#target = target;
    this.#order = order;
    this.#random = new Random(order.seed);
    this.#features = new Features(order.branches, order.task === "search");
    this.#watched = new Watched(order.memory);
    this.#words = [...new Set([...order.words, ...(target.words ?? [])])].map((word) => new TextEncoder().encode(word));
  }

  run(): WorkReport {
    let input: Uint8Array = new Uint8Array();
    try {
      for (input of this.#target.seeds()) if (this.#reachesMore(input)) this.#pool.push(input);
      const isMinimised = this.#order.task === "minimise";
      for (input of this.#order.corpus) {
        if (!this.#reachesMore(input)) continue;
        this.#pool.push(input);
        if (isMinimised) this.#added.push(input);
      }
      const end = performance.now() + (isMinimised ? 0 : 1000 * this.#order.seconds);
      while (performance.now() < end && this.#executions < this.#order.executions) {
        input = this.#next();
        if (!this.#reachesMore(input)) continue;
        this.#pool.push(input);
        this.#added.push(input);
      }
    } catch (error) {
      // Anything else is a fault of the fuzzing itself.
      if (!(error instanceof Violation)) throw error;
      return this.#report({ kind: error.kind, message: error.message, input });
    }
    return this.#report(undefined);
  }

  #next(): Uint8Array {
    const random = this.#random;
    const parent = this.#choose();
    const other = this.#pool.length === 0 ? parent : random.pick(this.#pool);
    const { maxLength } = this.#target;
    const byFormat = random.oneIn(2) ? this.#target.mutate?.(parent, random, other) : undefined;
    return (byFormat ?? mutate(parent, { random, other, words: this.#words, maxLength })).slice(0, maxLength);
  }

  /** Every other time one of the newest, which are the deepest. */
  #choose(): Uint8Array {
    const { length } = this.#pool;
    const from = this.#random.oneIn(2) ? Math.max(0, length - 16) : 0;
    return this.#pool[from + this.#random.below(length - from)] ?? new Uint8Array();
  }

  #reachesMore(input: Uint8Array): boolean {
    this.#executions++;
    this.#watched.begin(input);
    // What reviewing decodes again does not count: how often it does depends on the time.
    const { isNew, result } = this.#features.observe(() => attempt(this.#target, input));
    const isTimed = this.#order.task === "search";
    if (review(this.#target, input, result, { isTimed }) === "accepted") this.#accepted++;
    return isNew;
  }

  #report(finding: WorkReport["finding"]): WorkReport {
    return {
      executions: this.#executions,
      accepted: this.#accepted,
      added: this.#added,
      unreached: this.#features.unreached(),
      finding,
    };
  }
}
