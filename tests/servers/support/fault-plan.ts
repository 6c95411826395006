/** When a fault strikes. */
export interface FaultOptions {
  /** Only this operation. Default: any. */
  readonly operation?: string | undefined;
  /** How often before it is over. Default: until `clear()`. */
  readonly times?: number | undefined;
  /** 0 to 1. Default: 1, each time. */
  readonly probability?: number | undefined;
  /** Strikes what comes beyond so many requests of the operation in a second, as a quota does. Default: 0, all. */
  readonly beyondPerSecond?: number | undefined;
}

interface Rule<F> {
  readonly fault: F;
  readonly operation: string | undefined;
  readonly probability: number;
  readonly beyondPerSecond: number;
  left: number;
  /** When the current second began, on the monotonic clock, and how many requests it had. */
  second: number;
  requests: number;
}

/** What a test server is to do wrong, and when; asked once for every request. `F` is the server's own kind of fault. */
export class FaultPlan<F> {
  readonly #rules: Rule<F>[] = [];
  readonly #random: () => number;

  /** @param seed makes the draws of `probability` the same in every run. */
  constructor(seed = 1) {
    this.#random = mulberry32(seed);
  }

  add(fault: F, options: FaultOptions = {}): void {
    const { operation, times = Number.POSITIVE_INFINITY, probability = 1, beyondPerSecond = 0 } = options;
    this.#rules.push({ fault, operation, probability, beyondPerSecond, left: times, second: 0, requests: 0 });
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
        isBeyond(each) &&
        (each.probability >= 1 || this.#random() < each.probability),
    );
    if (rule) rule.left--;
    return rule?.fault;
  }
}

function isBeyond(rule: Rule<unknown>): boolean {
  const now = performance.now();
  if (now - rule.second >= 1_000) [rule.second, rule.requests] = [now, 0];
  rule.requests += 1;
  return rule.requests > rule.beyondPerSecond;
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
