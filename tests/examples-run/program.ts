import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";

export const PROJECT = join(__dirname, "../..");

export interface Ended {
  readonly status: number | null;
  readonly output: string;
}

/** Runs an example, or a script, as its users do, in a process of its own: what it printed, and its exit code. */
export async function run(
  script: string,
  parameters: readonly string[],
  env: Readonly<Record<string, string | undefined>> = {},
): Promise<Ended> {
  const child = spawn(process.execPath, ["--import", "tsx", script, ...parameters], {
    cwd: PROJECT,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [stdout, stderr, [status]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "exit")]);
  return { status: status as number | null, output: `${stdout}${stderr}` };
}
