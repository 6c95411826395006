/** When a fault strikes. */
export interface FaultOptions {
  /** Only this operation. Default: any. */
  readonly operation?: string | undefined;
  /** How often before it is over. Default: until `clear()`. */
  readonly times?: number | undefined;
  /** 0 to 1. Default: 1, each time. */
  readonly probability?: number | undefined;
}

interface Rule<F> {
  readonly fault: F;
  readonly operation: string | undefined;
  readonly probability: number;
  left: number;
}

/** What a test server is to do wrong, and when; asked once for every request. `F` is the server's own kind of fault. */
export class FaultPlan<F> {
  readonly #rules: Rule<F>[] = [];
  readonly #random: () => number;

  /** @param seed makes the draws of `probability` the same in every run. */
  constructor(seed = 1) {
    this.#random = mulberry32(seed);
  }

  add(fault: F, { operation, times = Number.POSITIVE_INFINITY, probability = 1 }: FaultOptions = {}): void {
    this.#rules.push({ fault, operation, probability, left: times });
  }

  clear(): void {
    this.#rules.length = 0;
  }

  /** The fault of the first rule that strikes. */
  take(operation: string): F | undefined {
    const rule = this.#rules.find(
      (each) =>
        each.left > 0 &&
        (each.operation === undefined || each.operation === operation) &&
        (each.probability >= 1 || this.#random() < each.probability),
    );
    if (rule) rule.left--;
    return rule?.fault;
  }
}

/** Tommy Ettinger's Mulberry32: uniform in [0, 1), good enough to draw faults. */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
