import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** What a program of plain Node in `programs/` prints, as JSON; no loader stands between it and the packages. */
export async function runPlainNode<T>(program: string, args: readonly string[]): Promise<T> {
  const file = fileURLToPath(new URL(`programs/${program}`, import.meta.url));
  const { NODE_OPTIONS: _, ...env } = process.env;
  const { stdout } = await promisify(execFile)(process.execPath, [file, ...args], { env });
  return JSON.parse(stdout);
}
