// Adds to package-lock.json, of this folder or of the one that the argument names, the optional packages for other platforms that
// npm left out.
//
// npm leaves them out where the registry it asked (a partial mirror) does not serve them, and `npm ci` then refuses the lock
// file on every machine. Run this after adding or updating a dependency against such a registry.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** @typedef {{ version?: string, dev?: boolean, optional?: boolean, os?: string[], cpu?: string[], libc?: string[], optionalDependencies?: Record<string, string> }} Entry */

const file = join(process.argv[2] ?? ".", "package-lock.json");
/** @type {{ packages: Record<string, Entry> }} */
const lock = JSON.parse(readFileSync(file, "utf8"));

let added = 0;
for (const [parent, entry] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    if (isLocked(parent, name)) continue;
    lock.packages[`node_modules/${name}`] = {
      version,
      ...platform(name),
      ...(entry.dev ? { dev: true } : {}),
      optional: true,
    };
    added += 1;
  }
}
if (added > 0) {
  lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, "en")));
  writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
}
console.log(`${file}: ${added} optional packages added`);

/**
 * @param {string} parent
 * @param {string} name
 */
function isLocked(parent, name) {
  const folders = parent
    .split("/node_modules/")
    .map((_, index, all) => `${all.slice(0, index + 1).join("/node_modules/")}/`);
  return ["", ...folders].some((folder) => `${folder}node_modules/${name}` in lock.packages);
}

/**
 * Such a package's name ends in its platform: `binding-linux-arm64-musl`, `rollup-linux-arm-gnueabihf`, `cli-darwin-x64`.
 *
 * @param {string} name
 * @returns {Entry}
 */
function platform(name) {
  const match =
    /(aix|android|darwin|freebsd|linux|netbsd|openbsd|openharmony|sunos|win32)-([a-z0-9]+)(?:-(gnu|musl))?/.exec(name);
  if (!match)
    throw new Error(`The platform of ${name} cannot be told from its name. Add it to package-lock.json by hand.`);
  const [, os = "", cpu = "", libc] = match;
  return {
    os: [os],
    cpu: [cpu === "amd64" ? "x64" : cpu],
    ...(libc ? { libc: [libc === "gnu" ? "glibc" : libc] } : {}),
  };
}
