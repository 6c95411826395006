/** Results that are costly to compute and often asked for again, by a text that says what they are of: at most so many, of short texts. */
export class Recent<Result> {
  readonly #results = new Map<string, Result>();
  readonly #most: number;

  /** @param most how many are kept. */
  constructor(most: number) {
    this.#most = most;
  }

  /** The result of this text: computed, or one of the last. */
  get(text: string, compute: () => Result): Result {
    const before = this.#results.get(text);
    if (before !== undefined) return before;
    const result = compute();
    if (text.length > MAX_LENGTH) return result;
    if (this.#results.size === this.#most) this.#results.clear();
    this.#results.set(text, result);
    return result;
  }
}

const MAX_LENGTH = 10_000;
