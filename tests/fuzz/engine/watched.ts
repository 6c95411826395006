// Two numbers before the input: how many executions have begun, and the length of the input.
const HEADER = 8;

/**
 * The input that is being decoded, in memory that another thread sees: where the decoder never answers, or takes the thread
 * down with it, that thread knows by what.
 */
export class Watched {
  readonly #numbers: Int32Array;
  readonly #input: Uint8Array;

  constructor(memory: SharedArrayBuffer) {
    this.#numbers = new Int32Array(memory, 0, 2);
    this.#input = new Uint8Array(memory, HEADER);
  }

  static memory(maxLength: number): SharedArrayBuffer {
    return new SharedArrayBuffer(HEADER + maxLength);
  }

  begin(input: Uint8Array): void {
    this.#input.set(input.subarray(0, this.#input.length));
    Atomics.store(this.#numbers, 1, Math.min(input.length, this.#input.length));
    Atomics.add(this.#numbers, 0, 1);
  }

  get executions(): number {
    return Atomics.load(this.#numbers, 0);
  }

  get input(): Uint8Array {
    return this.#input.slice(0, Atomics.load(this.#numbers, 1));
  }
}
