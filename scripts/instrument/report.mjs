// The bundles of processes.mjs load this: each process writes what it has counted into the folder that the query names.

import { randomUUID } from "node:crypto";
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const folder = decodeURIComponent(new URL(import.meta.url).search.slice(1));
const file = join(folder, `${randomUUID()}.json`);

process.on("exit", report);

// The host of a PKCS#11 library is killed rather than ended: it reports before each answer.
const { send } = process;
if (send) {
  process.send = (...args) => {
    report();
    return Reflect.apply(send, process, args);
  };
}

function report() {
  /** @type {Record<string, import("istanbul-lib-coverage").FileCoverageData>} */
  const counted = Reflect.get(globalThis, "__coverage__") ?? {};
  const counts = Object.entries(counted).map(([path, { s, f, b }]) => [path, { s, f, b }]);
  // Whole or not at all, also where it is killed meanwhile.
  writeFileSync(`${file}.part`, JSON.stringify(Object.fromEntries(counts)));
  renameSync(`${file}.part`, file);
}
