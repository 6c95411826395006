/** A call that {@link CircuitBreaker.acquire} permitted: what its outcome may say about the circuit. */
export interface Permit {
  /** How often the circuit had opened before. */
  readonly openings: number;
  readonly kind: "normal" | "probe" | "forced";
}

/** The longest time for which the circuit stays open, as a multiple of the first. */
const MAX_BACKOFF = 8;

/**
 * A circuit breaker: whether a replica that may fail should be called now.
 *
 * Closed, every call is permitted. The first failure opens it for `resetTimeout` milliseconds; then it is half-open: one call at a time
 * probes. Success closes it, another failure doubles the time, up to eight times the first. It has no timer: it compares times when it is
 * asked, by the monotonic clock, which a correction of the system's time does not move.
 *
 * An outcome counts only against the state in which its call began: a hundred calls that fail together are one failure, and
 * a response that was under way before the failure does not close the circuit.
 */
export class CircuitBreaker {
  readonly #resetTimeout: number;
  #openings = 0;
  #failures = 0;
  #openUntil = 0;
  #isProbing = false;

  constructor(resetTimeout: number) {
    this.#resetTimeout = resetTimeout;
  }

  get state(): "closed" | "open" | "half-open" {
    if (this.#failures === 0) return "closed";
    return this.#isProbing || performance.now() >= this.#openUntil ? "half-open" : "open";
  }

  /** Failures in a row: the one that opened it and those of the probes since. */
  get failures(): number {
    return this.#failures;
  }

  /** Whether the next call is permitted without being forced. */
  get isReady(): boolean {
    return this.state === "closed" || (this.state === "half-open" && !this.#isProbing);
  }

  /** Begins a call. Each ends with exactly one of `succeed`, `fail` and `release`. A call although none is permitted is "forced". */
  acquire(): Permit {
    const openings = this.#openings;
    if (this.state === "closed") return { openings, kind: "normal" };
    if (!this.isReady) return { openings, kind: "forced" };
    this.#isProbing = true;
    return { openings, kind: "probe" };
  }

  /** @returns whether this closed the circuit. */
  succeed(permit: Permit): boolean {
    this.release(permit);
    if (this.state === "closed" || permit.openings !== this.#openings) return false;
    this.#failures = 0;
    return true;
  }

  /** @returns whether this failure counts: it opened the circuit, or was a probe's. */
  fail(permit: Permit): boolean {
    this.release(permit);
    // If forced calls counted, the callers, not the time, would decide how long the circuit stays open.
    if (permit.openings !== this.#openings || permit.kind === "forced") return false;
    this.#openings++;
    this.#openUntil = performance.now() + this.#resetTimeout * Math.min(2 ** this.#failures, MAX_BACKOFF);
    this.#failures++;
    return true;
  }

  /** Ends a call that says nothing about what it called, such as an aborted one. */
  release(permit: Permit): void {
    if (permit.kind === "probe") this.#isProbing = false;
  }
}
