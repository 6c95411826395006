// Packs the built package, installs it in applications outside the checkout, compiles those in every way that TypeScript
// resolves modules, and runs them on every supported Node.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Application, must } from "./consumers/application.mjs";
import { nodes } from "./consumers/nodes.mjs";
import { makeToken } from "./consumers/token.mjs";
import { entryPoints } from "./entry-points.mjs";
import { run } from "./setup/command.mjs";
import { projectFolder } from "./setup/project.mjs";

entryPoints();
const { devDependencies, peerDependencies } = JSON.parse(readFileSync(join(projectFolder, "package.json"), "utf8"));
const newest = `ethers@${devDependencies.ethers}`;
const lowest = `ethers@${peerDependencies.ethers.replace("^", "")}`;
const pkcs11js = `pkcs11js@${devDependencies.pkcs11js}`;

let failures = 0;
const folder = mkdtempSync(join(tmpdir(), "ethers-hsm-consumers-"));
try {
  const packed = must(run("npm", ["pack", "--json", "--pack-destination", folder], { cwd: projectFolder }), "npm pack");
  const tarball = join(folder, /"filename": "(.+)"/.exec(packed)?.[1] ?? "");
  const token = makeToken(folder);
  const [running = process.execPath, ...later] = nodes();

  for (const [name, packages, on] of /** @type {const} */ ([
    ["with the newest ethers", [newest], [running, ...later]],
    ["with the newest ethers and pkcs11js", [newest, pkcs11js], [running, ...later]],
    ["with the lowest ethers", [lowest, pkcs11js], [running]],
  ])) {
    console.log(`An application ${name}: ${packages.join(", ")}`);
    const application = new Application(join(folder, name.replaceAll(" ", "-")), [tarball, ...packages]);
    for (const result of application.compile()) report(result);
    for (const node of on) for (const result of application.run(node, token)) report(result);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
if (failures > 0) process.exitCode = 1;

/** @param {{ what: string, ok: boolean, output: string }} result */
function report({ what, ok, output }) {
  console.log(`  ${ok ? "ok    " : "FAILED"} ${what}`);
  if (ok) return;
  failures += 1;
  console.log(output.replace(/^/gm, "         "));
}
