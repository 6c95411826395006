import type { Load, Sample } from "./contender.ts";
import { Program } from "./program.ts";
import type { ContenderMessage } from "./programs/contender.ts";
import { median } from "./statistics.ts";

/** One of those that are compared. */
export interface Side {
  readonly label: string;
  /** The file in `contenders/`, and the name in it. */
  readonly module: string;
  readonly name: string;
  readonly config: unknown;
  readonly env?: NodeJS.ProcessEnv | undefined;
}

export interface Outcome {
  /** For each load, the medians of the rounds. */
  readonly samples: readonly Sample[];
}

/** What went wrong instead. */
export interface Failure {
  readonly error: string;
}

export interface Rounds {
  readonly loads: readonly Load[];
  readonly rounds: number;
  /** Before anything is measured. */
  readonly warmUp: Load;
  /** Called when all are warm. */
  readonly afterWarmUp?: (() => Promise<void>) | undefined;
}

interface Running {
  readonly program: Program<ContenderMessage, Sample>;
  readonly samples: Sample[][];
  error: string | undefined;
}

/**
 * Opens every side in a fresh process and puts each load on each in turn, round by round: one process works at a time.
 *
 * A side that fails is left out of the rest and told by its error; the others go on.
 */
export async function sideBySide(sides: readonly Side[], plan: Rounds): Promise<readonly (Outcome | Failure)[]> {
  const running = sides.map(start);
  try {
    // One after another: while several processes log in at once, SoftHSM2 sometimes fails to read a token.
    for (const [index, side] of sides.entries()) await attempt(running[index], (each) => open(each, side));
    for (const each of running) await attempt(each, ({ program }) => program.ask({ load: plan.warmUp }));
    await plan.afterWarmUp?.();
    for (let round = 0; round < plan.rounds; round += 1) {
      for (const [index, load] of plan.loads.entries()) {
        for (const each of round % 2 === 0 ? running : [...running].reverse()) {
          await attempt(each, async ({ program, samples }) => {
            const sample = await program.ask({ load });
            samples[index] = [...(samples[index] ?? []), sample];
          });
        }
      }
    }
  } finally {
    await Promise.all(running.map(({ program }) => program.stop()));
  }
  return running.map(({ samples, error }) => (error === undefined ? { samples: samples.map(medians) } : { error }));
}

/** As {@link sideBySide}, where none may fail. */
export async function allSideBySide(sides: readonly Side[], plan: Rounds): Promise<readonly Outcome[]> {
  const results = await sideBySide(sides, plan);
  return results.map((result, index) => {
    if ("error" in result) throw new Error(`${sides[index]?.label}: ${result.error}`);
    return result;
  });
}

function start({ env }: Side): Running {
  const program = Program.start<ContenderMessage, Sample>(new URL("programs/contender.ts", import.meta.url), { env });
  return { program, samples: [], error: undefined };
}

async function open({ program }: Running, { module, name, config }: Side): Promise<void> {
  await program.ask({ open: { module: new URL(`contenders/${module}.ts`, import.meta.url).href, name, config } });
}

async function attempt(running: Running | undefined, action: (running: Running) => Promise<unknown>): Promise<void> {
  if (!running || running.error !== undefined) return;
  try {
    await action(running);
  } catch (error) {
    running.error = (error as Error).message;
  }
}

function medians(samples: readonly Sample[]): Sample {
  const of = (name: keyof Sample) => median(samples.map((sample) => sample[name]));
  return {
    p50: of("p50"),
    p95: of("p95"),
    cpu: of("cpu"),
    perSecond: of("perSecond"),
    loopDelayP99: of("loopDelayP99"),
  };
}
