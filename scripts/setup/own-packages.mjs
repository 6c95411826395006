import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { run, tail } from "./command.mjs";
import { SetupError } from "./setup-error.mjs";

/**
 * Installs what the package.json of a folder of this checkout names, where that is not there yet. Such folders keep what they alone
 * need out of the library's own install.
 *
 * @param {string} folder
 * @param {string} advice what to do where the registry cannot be reached
 * @throws SetupError with npm's own words and the advice.
 */
export function installOwnPackages(folder, advice) {
  if (isInstalled(folder)) return;
  const { ok, output } = run("npm", ["ci"], { cwd: folder });
  if (!ok) throw new SetupError(`npm ci failed in ${folder}:\n${tail(output)}\n  ${advice}`);
}

/**
 * @param {string} folder
 * @returns {boolean} whether npm put there what the lock file names for this machine: it keeps a copy of it in node_modules
 */
function isInstalled(folder) {
  const installed = join(folder, "node_modules/.package-lock.json");
  if (!existsSync(installed)) return false;
  const found = packagesIn(installed);
  const { "": _, ...wanted } = packagesIn(join(folder, "package-lock.json"));
  return Object.entries(wanted).every(([path, { version, optional }]) => optional || found[path]?.version === version);
}

/**
 * @param {string} lockFile
 * @returns {Record<string, { readonly version?: string, readonly optional?: boolean }>}
 */
function packagesIn(lockFile) {
  return JSON.parse(readFileSync(lockFile, "utf8")).packages;
}
