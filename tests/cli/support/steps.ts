import type { CommandLine, Run, RunOptions } from "./command.ts";

interface Step {
  readonly step: string;
  readonly status: string;
  readonly detail: string;
  readonly code?: string;
  readonly milliseconds?: number;
  readonly facts?: Record<string, unknown>;
}

export interface Examination {
  readonly code: Run["code"];
  readonly ok: boolean;
  readonly steps: readonly Step[];
  /** By its name. */
  step(name: string): Step;
  /** `name: status` of all that are not ok. */
  readonly troubles: readonly string[];
}

/** The doctor's answer to --json. */
export async function examined(cli: CommandLine, args: readonly string[], options?: RunOptions): Promise<Examination> {
  const { code, stdout, stderr } = await cli.run(["doctor", "--json", ...args], options);
  if (stdout === "") throw new Error(`no answer, ${code}: ${stderr}`);
  const { ok, steps } = JSON.parse(stdout) as { ok: boolean; steps: Step[] };
  const step = (name: string) => {
    const found = steps.find((each) => each.step === name);
    if (!found) throw new Error(`no step ${name} among ${steps.map((each) => each.step).join(", ")}`);
    return found;
  };
  const troubles = steps.filter(({ status }) => status !== "ok").map((each) => `${each.step}: ${each.status}`);
  return { code, ok, steps, step, troubles };
}
