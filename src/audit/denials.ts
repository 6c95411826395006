const MINUTE = 60_000;

/** How many denials were not written, and since when. */
export interface Suppressed {
  readonly count: number;
  readonly since: string;
}

/** Lets so many denials a minute pass, and counts the others: a caller that is denied must not fill the disk. */
export class DenialLimit {
  readonly #perMinute: number;
  #windowEnds = 0;
  #passed = 0;
  #suppressed: { count: number; since: string } | undefined;

  constructor(perMinute: number) {
    this.#perMinute = perMinute;
  }

  /** Whether this one is written. */
  pass(): boolean {
    if (performance.now() >= this.#windowEnds) {
      this.#windowEnds = performance.now() + MINUTE;
      this.#passed = 0;
    }
    if (this.#passed < this.#perMinute) {
      this.#passed += 1;
      return true;
    }
    this.#suppressed ??= { count: 0, since: new Date().toISOString() };
    this.#suppressed.count += 1;
    return false;
  }

  /** The count of a minute that is over, or at the end of the log of any; once. */
  take(isEnd: boolean): Suppressed | undefined {
    if (!isEnd && performance.now() < this.#windowEnds) return undefined;
    const suppressed = this.#suppressed;
    this.#suppressed = undefined;
    return suppressed;
  }
}
