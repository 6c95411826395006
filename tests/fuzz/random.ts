import fc from "fast-check";

/** Choices of a property: fast-check makes them from its seed, and makes them smaller when it has found something. */
export class Random {
  readonly #value: fc.GeneratorValue;

  constructor(value: fc.GeneratorValue) {
    this.#value = value;
  }

  /** 0 to `bound` - 1; 0 where there is nothing to choose. */
  below(bound: number): number {
    return bound <= 1 ? 0 : this.#value(upTo, bound - 1);
  }

  /** One time in `n`. */
  oneIn(n: number): boolean {
    return this.below(n) === 0;
  }

  /** One of the list, which must not be empty. */
  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }
}

function upTo(max: number): fc.Arbitrary<number> {
  return fc.noBias(fc.nat({ max }));
}
