const BEAT_MS = 100;
// Of a machine with time for this process, a beat is late by some milliseconds, a garbage collection by tens.
const STARVED_MS = 1_000;

/**
 * Notices when this process gets no time: then a deadline that passes says nothing of whoever was waited for. A call that is
 * lost, or an answer that is late, delays no beat.
 */
export class Heartbeat {
  /** How long this process waited in all, in milliseconds, in pauses of a second at least. */
  starvedMs = 0;
  #lastStarved = Number.NEGATIVE_INFINITY;
  #last = performance.now();
  readonly #timer = setInterval(() => this.#beat(), BEAT_MS).unref();

  /** @param since by performance.now(). */
  wasStarved(since: number): boolean {
    // A pause of this very moment has not been noticed yet.
    this.#beat();
    return this.#lastStarved >= since;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #beat(): void {
    const now = performance.now();
    const pause = now - this.#last;
    this.#last = now;
    if (pause < STARVED_MS) return;
    this.starvedMs += pause;
    this.#lastStarved = now;
  }
}
