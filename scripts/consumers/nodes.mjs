import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run, tail } from "../setup/command.mjs";
import { cacheFolder } from "../setup/project.mjs";

/** The later majors that the library supports. npm has their binaries as packages, one for each kind of machine. */
const laterMajors = [22, 24, 26];

/**
 * @returns {string[]} the running Node, and one of each later major, as paths
 */
export function nodes() {
  return [process.execPath, ...laterMajors.map(installed)];
}

/** @param {number} major */
function installed(major) {
  const name = `node-${process.platform}-${process.arch}`;
  const folder = join(cacheFolder, `node-${major}`);
  const binary = join(folder, "node_modules", name, "bin/node");
  if (existsSync(binary)) return binary;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), "{}\n");
  const { ok, output } = run("npm", ["install", "--no-save", "--ignore-scripts", `${name}@${major}`], { cwd: folder });
  if (!ok) throw new Error(`Node ${major} could not be installed:\n${tail(output)}`);
  return binary;
}
