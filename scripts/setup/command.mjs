import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/**
 * Runs a program to its end, without a terminal and without a shell.
 *
 * @param {string} program
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, timeout?: number }} [options] `env` is added to this process's own;
 *   `timeout` is in milliseconds, ten minutes if it is not given.
 * @returns {{ ok: boolean, output: string }} `output` is what it wrote to stdout and stderr.
 */
export function run(program, args, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    timeout: options.timeout ?? 600_000,
    killSignal: "SIGKILL",
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    maxBuffer: 64 * 1024 * 1024,
  });
  return { ok: status === 0, output: error ? error.message : `${stdout}${stderr}`.trim() };
}

/**
 * @param {string} program
 * @returns {boolean} whether the PATH has it
 */
export function isOnPath(program) {
  return (process.env["PATH"] ?? "").split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return folder !== "";
    } catch {
      return false;
    }
  });
}

/**
 * @param {string} output
 * @returns {string} its last lines, set in, for an error message
 */
export function tail(output) {
  return output
    .split("\n")
    .slice(-15)
    .map((line) => `    ${line}`)
    .join("\n");
}
