import type { BenchOptions } from "./options.ts";
import type { Table } from "./table.ts";

/** A part of the benchmark that can be run alone. */
export interface Section {
  /** For `--only`, and for the place in docs/benchmarks.md. */
  readonly name: string;
  readonly title: string;
  run(options: BenchOptions): Promise<readonly Table[]>;
}

export interface MeasuredSection {
  readonly name: string;
  readonly title: string;
  readonly tables: readonly Table[];
}
