import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";

export interface CliRun {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number;
  /** Every JSON answer on stdout, in order. */
  readonly answers: { readonly error_code: number; readonly data: unknown }[];
}

/** Runs an executable with these arguments, gives it `input` on stdin, and waits for its end. */
export async function runCli(
  path: string,
  parameters: readonly string[],
  input = "",
  env: Record<string, string> = {},
): Promise<CliRun> {
  const child = spawn(path, parameters, { env: { ...process.env, ...env }, stdio: "pipe" });
  child.stdin.end(input);
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  const answers = [...stdout.matchAll(/^(?:aws-cloudhsm > |Enter password:)*(\{\n[\s\S]*?^\})$/gm)].map(
    ([, json = ""]) => JSON.parse(json),
  );
  return { stdout, stderr, code: Number(code), answers };
}
