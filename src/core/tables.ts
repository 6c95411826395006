import type { AffinePoint } from "./curve.ts";
import { type OddMultiples, oddMultiples } from "./odd-multiples.ts";

// The generator's table, 270 kB, takes about 20 ms, most of them before its code is compiled; a sum by tables saves about
// 0.6 ms. So it has paid after as many sums as it is put off, whenever a process ends.
const SUMS_BEFORE_TABLES = 32;
const GENERATOR_WIDTH = 10;
const KEY_WIDTH = 6;
/** The longest that one sum works on the generator's table, in milliseconds. */
const SLICE = 2;
/** 4.3 MB. */
const MAX_KEYS = 256;

/**
 * The tables of this process: one of the curve's generator, and one for each public key that signed lately.
 *
 * The first sums get none. Then the generator's table is made, a slice with each sum: no timer, which would have to be kept
 * from keeping a process alive, and would starve under load. A key's table costs less than what its first sum saves, so it is
 * made at once; the key that was used least recently gives way. A table depends on the key alone and may be used by all.
 */
export class Tables {
  readonly #point: AffinePoint;
  readonly #keys = new Map<string, OddMultiples>();
  #sums = 0;
  #making: Generator<void, OddMultiples> | undefined;
  #generator: OddMultiples | undefined;

  constructor(generator: AffinePoint) {
    this.#point = generator;
  }

  /** The generator's table, once there is one. Call it once per sum. */
  generator(): OddMultiples | undefined {
    if (this.#generator) return this.#generator;
    this.#sums += 1;
    if (this.#sums > SUMS_BEFORE_TABLES) this.#makeSlice();
    return this.#generator;
  }

  /** The table of a public key; where it is not here yet, or any more, it is made of what `point` gives. */
  key(publicKey: Uint8Array, point: () => AffinePoint): OddMultiples {
    const id = String.fromCharCode(...publicKey);
    const table = this.#keys.get(id) ?? runToEnd(oddMultiples(point(), KEY_WIDTH));
    // A Map keeps the order of insertion: the first is the one that was used least recently.
    this.#keys.delete(id);
    this.#keys.set(id, table);
    const [oldest] = this.#keys.keys();
    if (this.#keys.size > MAX_KEYS && oldest !== undefined) this.#keys.delete(oldest);
    return table;
  }

  #makeSlice(): void {
    this.#making ??= oddMultiples(this.#point, GENERATOR_WIDTH);
    const end = performance.now() + SLICE;
    while (performance.now() < end) {
      const { done, value } = this.#making.next();
      if (!done) continue;
      this.#generator = value;
      this.#making = undefined;
      return;
    }
  }
}

function runToEnd<T>(steps: Generator<void, T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}
