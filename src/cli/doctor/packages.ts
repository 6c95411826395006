import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/** The version of an installed package; undefined where it cannot be learnt. */
function versionOf(name: string): string | undefined {
  try {
    // Not its package.json, which not every package exports.
    let folder = dirname(createRequire(import.meta.url).resolve(name));
    while (!folder.endsWith(join("node_modules", name))) {
      const parent = dirname(folder);
      if (parent === folder) return undefined;
      folder = parent;
    }
    const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { readonly version?: string };
    return version;
  } catch {
    return undefined;
  }
}

/** `name version`. */
export function named(name: string): string {
  return `${name} ${versionOf(name) ?? "(version unknown)"}`;
}
