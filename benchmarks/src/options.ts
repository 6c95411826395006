import { join } from "node:path";
import { parseArgs } from "node:util";
import { cacheFolder } from "../../scripts/setup/project.mjs";

export interface BenchOptions {
  /** So few repetitions that the figures mean nothing: it shows that every row can be measured. */
  readonly quick: boolean;
  /** A million signatures in the memory section, in place of a hundred thousand. */
  readonly million: boolean;
  /** The names of the sections to run; empty for all. */
  readonly only: readonly string[];
  /** Where the figures go. */
  readonly json: string;
  /** Where the plot goes. */
  readonly plot: string | undefined;
  /** Whether docs/benchmarks.md gets the tables. */
  readonly write: boolean;
}

export function parseOptions(): BenchOptions {
  const { values } = parseArgs({
    options: {
      quick: { type: "boolean", default: false },
      million: { type: "boolean", default: false },
      only: { type: "string", multiple: true, default: [] },
      json: { type: "string", default: join(cacheFolder, "benchmarks.json") },
      plot: { type: "string" },
      write: { type: "boolean", default: false },
    },
  });
  if (values.quick && (values.write || values.plot !== undefined)) {
    throw new Error("--quick measures too little to be written down: leave out --write and --plot");
  }
  return { ...values, plot: values.plot };
}
