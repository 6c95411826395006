/** Prints one line a step, with the time that it took. */
export class Report {
  readonly #started = performance.now();
  #last = this.#started;

  step(name: string, value: string): void {
    const now = performance.now();
    console.log(`${name.padEnd(20)} ${value}  (${Math.round(now - this.#last)} ms)`);
    this.#last = now;
  }

  end(): void {
    console.log(`\nAll of it is as it should be, in ${Math.round(performance.now() - this.#started)} ms.`);
  }
}

/** Ends the demo where two values differ. */
export function expectEqual(what: string, actual: unknown, expected: unknown): void {
  if (actual !== expected) throw new Error(`${what} is ${actual}, not ${expected}`);
}
