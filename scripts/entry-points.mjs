import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { projectFolder } from "./setup/project.mjs";

/** @typedef {{ types: string, default: string }} Files */
/** @typedef {{ name: string, import: Files, require: Files }} EntryPoint */

/**
 * @returns {EntryPoint[]} what package.json exports as code, with the built files' absolute paths
 */
export function entryPoints() {
  const { exports } = JSON.parse(readFileSync(join(projectFolder, "package.json"), "utf8"));
  /** @param {Files} files */
  const absolute = (files) => ({
    types: join(projectFolder, files.types),
    default: join(projectFolder, files.default),
  });
  const found = Object.entries(exports).flatMap(([name, conditions]) =>
    conditions.import ? [{ name, import: absolute(conditions.import), require: absolute(conditions.require) }] : [],
  );
  for (const { default: path } of found.flatMap((entry) => [entry.import, entry.require])) {
    if (!existsSync(path)) {
      console.error(`${path} is missing. Run \`npm run build\` first.`);
      process.exit(1);
    }
  }
  return found;
}
