import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

/** The version of an installed package; undefined if it is unknown. */
function versionOf(name: string): string | undefined {
  try {
    // Not its package.json, which not every package exports.
    const file = createRequire(import.meta.url).resolve(name);
    const folder = join("node_modules", name);
    const manifest = join(file.slice(0, file.lastIndexOf(folder)), folder, "package.json");
    const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { readonly version?: string };
    return version;
  } catch {
    return undefined;
  }
}

/** `name version`. */
export function named(name: string): string {
  return `${name} ${versionOf(name) ?? "(version unknown)"}`;
}
