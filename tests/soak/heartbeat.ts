import { readFileSync } from "node:fs";

const BEAT_MS = 100;
// Of a machine with time for this process, a beat is late by some milliseconds, a garbage collection by tens.
const STARVED_MS = 1_000;

/**
 * Notices when this process gets no time: then a deadline that passes says nothing of what was waited for. A call that is
 * lost, or an answer that is late, delays no beat. Where the process itself worked for most of a pause, it blocked its own
 * event loop, and that excuses nothing.
 */
export class Heartbeat {
  /** How long this process waited in all, in milliseconds, in pauses of a second at least. */
  starvedMs = 0;
  #lastStarved = Number.NEGATIVE_INFINITY;
  #last = performance.now();
  #lastWorked: number;
  readonly #workedMs: () => number;
  readonly #timer = setInterval(() => this.#beat(), BEAT_MS).unref();

  /** @param workedMs the processor time that this thread has had so far, in milliseconds; NaN where nothing tells. */
  constructor(workedMs = processorTime) {
    this.#workedMs = workedMs;
    this.#lastWorked = workedMs();
  }

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
    const worked = this.#workedMs();
    const own = worked - this.#lastWorked;
    this.#last = now;
    this.#lastWorked = worked;
    if (pause < STARVED_MS || own > pause / 2) return;
    this.starvedMs += pause;
    this.#lastStarved = now;
  }
}

/** Of the process's first thread, where the event loop runs. Only Linux tells: in its first field, in nanoseconds. */
function processorTime(): number {
  try {
    return Number.parseInt(readFileSync("/proc/self/schedstat", "utf8"), 10) / 1e6;
  } catch {
    return Number.NaN;
  }
}
