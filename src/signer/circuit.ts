/** A call that {@link Circuit.enter} let through: what its outcome may say about the circuit. */
export interface Passage {
  /** How often the circuit had opened before. */
  readonly openings: number;
  readonly kind: "normal" | "probe" | "last-resort";
}

/** The longest rest, as a multiple of the first. */
const LONGEST_REST = 8;

/**
 * Whether something that may fail should be asked now: a circuit breaker.
 *
 * Closed, everybody may ask. The first failure opens it for `rest` milliseconds; then one caller at a time probes. Success
 * closes it, another failure doubles the rest, up to eight times the first one. It has no timer: time counts when it is
 * asked, by the monotonic clock, which a correction of the system's time does not move.
 *
 * An outcome counts only against the state in which its call began: a hundred calls that fail together are one failure, and
 * an answer that was under way before the failure does not end the rest.
 */
export class Circuit {
  readonly #rest: number;
  #openings = 0;
  #failures = 0;
  #restsUntil = 0;
  #probing = false;

  constructor(rest: number) {
    this.#rest = rest;
  }

  /** Whether it is open, also where a probe is due or under way. */
  get resting(): boolean {
    return this.#failures > 0;
  }

  /** Failures in a row: the one that opened it and those of the probes since. */
  get failures(): number {
    return this.#failures;
  }

  /** Whether the next call may ask without being a last resort. */
  get ready(): boolean {
    return !this.resting || (!this.#probing && performance.now() >= this.#restsUntil);
  }

  /** Begins a call. Each ends with exactly one of `succeeded`, `failed` and `left`. */
  enter(): Passage {
    const openings = this.#openings;
    if (!this.resting) return { openings, kind: "normal" };
    if (!this.ready) return { openings, kind: "last-resort" };
    this.#probing = true;
    return { openings, kind: "probe" };
  }

  /** @returns whether this closed the circuit. */
  succeeded(passage: Passage): boolean {
    this.left(passage);
    if (!this.resting || passage.openings !== this.#openings) return false;
    this.#failures = 0;
    return true;
  }

  /** @returns whether this failure counts: it opened the circuit, or was a probe's. */
  failed(passage: Passage): boolean {
    this.left(passage);
    // A last resort's failure is no news, and would let the callers, not the time, decide how long the rest gets.
    if (passage.openings !== this.#openings || passage.kind === "last-resort") return false;
    this.#openings++;
    this.#restsUntil = performance.now() + this.#rest * Math.min(2 ** this.#failures, LONGEST_REST);
    this.#failures++;
    return true;
  }

  /** Ends a call that says nothing about what it asked, such as an aborted one. */
  left(passage: Passage): void {
    if (passage.kind === "probe") this.#probing = false;
  }
}
