import { hits } from "./hits.ts";

/** What executions have reached so far: branches, and how often at once, in powers of two. */
export class Features {
  readonly #branches: number;
  readonly #counts: boolean;
  readonly #seen: Uint8Array;

  /** @param counts whether it matters how often a branch is taken at once. */
  constructor(branches: number, counts: boolean) {
    if (branches > hits.length) throw new RangeError(`${branches} branches; there are counters for ${hits.length}`);
    this.#branches = branches;
    this.#counts = counts;
    this.#seen = new Uint8Array(branches);
  }

  /** Runs `execute`, and tells whether it reached anything that nothing had reached before. */
  observe<T>(execute: () => T): { readonly isNew: boolean; readonly result: T } {
    hits.fill(0, 0, this.#branches);
    const result = execute();
    let isNew = false;
    for (let branch = 0; branch < this.#branches; branch++) {
      const count = hits[branch] as number;
      if (count === 0) continue;
      const bit = this.#counts ? bucket(count) : 1;
      if (((this.#seen[branch] as number) & bit) !== 0) continue;
      this.#seen[branch] = (this.#seen[branch] as number) | bit;
      isNew = true;
    }
    return { isNew, result };
  }

  /** The numbers of the branches that were not reached. */
  unreached(): number[] {
    return [...this.#seen.keys()].filter((branch) => this.#seen[branch] === 0);
  }
}

/** One of eight bits: 1, 2, 3, 4-7, 8-15, 16-31, 32-127 times, or more. */
function bucket(count: number): number {
  if (count <= 3) return 1 << (count - 1);
  if (count < 8) return 8;
  if (count < 16) return 16;
  if (count < 32) return 32;
  return count < 128 ? 64 : 128;
}
