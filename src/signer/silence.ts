/**
 * How long something that is asked has answered nobody. Time in which nobody waited does not count, and neither does each of
 * several waits at once.
 */
export class Silence {
  #waiting = 0;
  #answers = 0;
  #since = 0;
  #earlier = 0;

  /** Begins a wait, which `end` ends. @returns what `unbrokenSince` takes. */
  begin(): number {
    if (this.#waiting === 0) this.#since = performance.now();
    this.#waiting++;
    return this.#answers;
  }

  end(): void {
    this.#waiting--;
    if (this.#waiting === 0) this.#earlier += performance.now() - this.#since;
  }

  /** It answered somebody, in whatever way. */
  answered(): void {
    this.#answers++;
    this.restart();
  }

  /** Counts from now on. */
  restart(): void {
    this.#earlier = 0;
    this.#since = performance.now();
  }

  /** Whether it has answered nobody since a wait began. */
  unbrokenSince(began: number): boolean {
    return this.#answers === began;
  }

  /** Milliseconds that somebody has waited since the last answer. */
  get duration(): number {
    return this.#earlier + (this.#waiting > 0 ? performance.now() - this.#since : 0);
  }
}
