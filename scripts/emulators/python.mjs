import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { isOnPath, run, tail } from "../setup/command.mjs";
import { cacheFolder } from "../setup/project.mjs";
import { SetupError } from "../setup/setup-error.mjs";

/**
 * Installs Python packages from their registry into a folder of their own, unless that was done before.
 *
 * @param {string} name
 * @param {readonly string[]} requirements pip's arguments
 */
export function installPython(name, requirements) {
  if (existsSync(installed(name))) return;
  if (!isOnPath("python3")) throw new SetupError(`${name} needs python3, with its modules venv and pip.`);
  const folder = folderOf(name);
  const steps = [
    ["python3", "-m", "venv", "--clear", folder],
    [python(name), "-m", "pip", "install", "--quiet", ...requirements],
    // Written last, so that an installation that was broken off is begun again.
    ["touch", installed(name)],
  ];
  for (const [program = "", ...args] of steps) {
    const { ok, output } = run(program, args);
    if (ok) continue;
    rmSync(folder, { recursive: true, force: true });
    throw new SetupError(`${name} could not be installed with ${program} ${args.join(" ")}:\n${tail(output)}`);
  }
}

/**
 * @param {string} name
 * @returns {string | undefined} why its packages are not there
 */
export function pythonMissing(name) {
  if (existsSync(installed(name))) return undefined;
  return isOnPath("python3") ? "it is not installed" : "the program python3 is missing";
}

/**
 * @param {string} name
 * @returns {string} the Python that has its packages
 */
export const python = (name) => join(folderOf(name), "bin", "python3");

/** @param {string} name */
const folderOf = (name) => join(cacheFolder, "emulators", name);

/** @param {string} name */
const installed = (name) => join(folderOf(name), "installed");
