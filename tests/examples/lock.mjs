// Makes examples' package-lock.json again: node tests/examples/lock.mjs aws-cdk-lambda azure aws-cloudhsm
//
// The entry for this library has neither address nor checksum: the tests install what this checkout packs, and npm finds the
// published one by its version.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { must } from "../../scripts/consumers/application.mjs";
import { entryPoints } from "../../scripts/entry-points.mjs";
import { run } from "../../scripts/setup/command.mjs";
import { Example, packLibrary } from "./support/example.mjs";

entryPoints();
const folder = mkdtempSync(join(tmpdir(), "ethers-hsm-lock-"));
try {
  const tarball = packLibrary(folder);
  for (const name of process.argv.slice(2)) lock(new Example(name, folder), tarball);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/**
 * @param {Example} example
 * @param {string} tarball
 */
function lock({ name, source, folder }, tarball) {
  const file = join(folder, "package-lock.json");
  rmSync(file, { force: true });
  must(run("npm", ["install", "--package-lock-only", tarball], { cwd: folder }), "npm install");
  const { dependencies } = JSON.parse(readFileSync(join(source, "package.json"), "utf8"));
  const lock = JSON.parse(readFileSync(file, "utf8"));
  lock.packages[""].dependencies = dependencies;
  const { resolved: _, integrity: __, ...library } = lock.packages["node_modules/ethers-hsm"];
  lock.packages["node_modules/ethers-hsm"] = library;
  writeFileSync(join(source, "package-lock.json"), `${JSON.stringify(lock, null, 2)}\n`);
  console.log(`examples/${name}/package-lock.json: ${Object.keys(lock.packages).length - 1} packages`);
}
