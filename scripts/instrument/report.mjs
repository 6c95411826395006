// The bundles of processes.mjs load this: each process writes what it has counted into the folder that the query names.

import { randomUUID } from "node:crypto";
import fs, { renameSync, writeFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";

const folder = decodeURIComponent(new URL(import.meta.url).search.slice(1));
const file = join(folder, `${randomUUID()}.json`);

process.on("exit", report);

// The child of an isolated PKCS#11 library is killed rather than ended: it reports before each message to its parent.
const { writeSync } = fs;
fs.writeSync = /** @type {typeof writeSync} */ (
  (...args) => {
    if (args[0] === 4) report();
    return Reflect.apply(writeSync, fs, args);
  }
);
syncBuiltinESMExports();

function report() {
  /** @type {Record<string, import("istanbul-lib-coverage").FileCoverageData>} */
  const counted = Reflect.get(globalThis, "__coverage__") ?? {};
  const counts = Object.entries(counted).map(([path, { s, f, b }]) => [path, { s, f, b }]);
  // Whole or not at all, also where it is killed meanwhile.
  writeFileSync(`${file}.part`, JSON.stringify(Object.fromEntries(counts)));
  renameSync(`${file}.part`, file);
}
