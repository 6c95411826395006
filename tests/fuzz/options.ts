import { parseArgs } from "node:util";

export const USAGE = `npm run fuzz -- [options]
  --seconds N      how long, shared by all targets (default 60)
  --executions N   how many for each target instead: the same seed then gives the same run
  --target T       this target only; may be repeated
  --seed S         of the random numbers (default: a new one, which is printed)
  --corpus DIR     reads DIR/<target>/* too, and writes there what reached something new
  --findings DIR   where findings go (default tests/fuzz/findings)
  --targets DIR    other targets than those of tests/fuzz/targets
  --source DIR     the source that is instrumented (default src)
  --replay FILE    decodes one file by the one --target, and says what comes of it
  --minimise       keeps of tests/fuzz/corpus and --corpus what reaches more branches than the seeds, the shortest first
  --uncovered      prints the branches that nothing reached`;

export interface Options {
  readonly seconds: number;
  readonly executions: number;
  readonly targets: readonly string[] | undefined;
  readonly seed: string;
  readonly corpus: string | undefined;
  readonly findings: string | undefined;
  readonly targetFolder: string | undefined;
  readonly source: string | undefined;
  readonly replay: string | undefined;
  readonly minimises: boolean;
  readonly showsUncovered: boolean;
}

/** @throws TypeError for an option that there is not, RangeError for a number that is none. */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seconds: { type: "string" },
      executions: { type: "string" },
      target: { type: "string", multiple: true },
      seed: { type: "string" },
      corpus: { type: "string" },
      findings: { type: "string" },
      targets: { type: "string" },
      source: { type: "string" },
      replay: { type: "string" },
      minimise: { type: "boolean", default: false },
      uncovered: { type: "boolean", default: false },
    },
  });
  const executions =
    values.executions === undefined ? Number.POSITIVE_INFINITY : count("executions", values.executions);
  const unbounded = values.seconds === undefined && values.executions !== undefined;
  return {
    seconds: unbounded ? Number.POSITIVE_INFINITY : count("seconds", values.seconds ?? "60"),
    executions,
    targets: values.target,
    seed: values.seed ?? `${Date.now() % 1_000_000}`,
    corpus: values.corpus,
    findings: values.findings,
    targetFolder: values.targets,
    source: values.source,
    replay: values.replay,
    minimises: values.minimise,
    showsUncovered: values.uncovered,
  };
}

function count(name: string, text: string): number {
  const number = Number(text);
  if (Number.isFinite(number) && number > 0) return number;
  throw new RangeError(`--${name} must be a number above 0`);
}
