import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run, tail } from "../setup/command.mjs";
import { cacheFolder } from "../setup/project.mjs";

/** The later majors that the library supports. npm has their binaries as packages, one for each kind of machine. */
const laterMajors = [22, 24, 26];
const machine = `${process.platform}-${process.arch}`;

/**
 * @returns {string[]} the running Node, and one of each later major, as paths
 */
export function nodes() {
  const later = laterMajors.map((major) => installed(`node-${major}`, `node-${machine}@${major}`, "bin/node"));
  return [process.execPath, ...later];
}

/** @returns {{ bun: string, deno: string }} paths of their binaries, from npm as well */
export function otherRuntimes() {
  const libc = process.platform === "linux" ? "-glibc" : "";
  return {
    bun: installed("bun", `@oven/bun-${machine}@1`, "bin/bun"),
    deno: installed("deno", `@deno/${machine}${libc}@2`, "deno"),
  };
}

/**
 * @param {string} name of its folder in the cache
 * @param {string} specifier what npm installs
 * @param {string} file the binary's path in the package
 */
function installed(name, specifier, file) {
  const folder = join(cacheFolder, name);
  const binary = join(folder, "node_modules", specifier.slice(0, specifier.lastIndexOf("@")), file);
  if (existsSync(binary)) return binary;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), "{}\n");
  const { ok, output } = run("npm", ["install", "--no-save", "--ignore-scripts", specifier], { cwd: folder });
  if (!ok) throw new Error(`${specifier} could not be installed:\n${tail(output)}`);
  return binary;
}
