// Installs Hardhat 3 in a project of its own, and runs it on Node 22, which it needs, with the EIP-1193 provider in its onRequest
// hook: over a node of its own and over anvil.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { build } from "esbuild";
import { startAnvil } from "../tests/support/anvil.ts";
import { must } from "./consumers/application.mjs";
import { nodes } from "./consumers/nodes.mjs";
import { run } from "./setup/command.mjs";
import { projectFolder } from "./setup/project.mjs";

const packages = ["ethers@6", "hardhat@3", "@nomicfoundation/hardhat-ethers@4"];
const [, node = process.execPath] = nodes();
// npm leaves out the optional packages that its own Node is too old for, and Hardhat's EVM is one.
const PATH = `${dirname(node)}${delimiter}${process.env["PATH"]}`;

const folder = mkdtempSync(join(tmpdir(), "ethers-hsm-hardhat-"));
const anvil = await startAnvil();
try {
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }\n');
  must(run("npm", ["install", "--ignore-scripts", ...packages], { cwd: folder, env: { PATH } }), "npm install");
  for (const [from, to] of /** @type {const} */ ([
    // The only name under which Hardhat finds it.
    ["hardhat.config.mjs", "hardhat.config.js"],
    ["hook.mjs", "hook.mjs"],
    ["program.mjs", "program.mjs"],
  ])) {
    cpSync(join(projectFolder, "scripts/hardhat", from), join(folder, to));
  }
  await build({
    entryPoints: [join(projectFolder, "src/eip1193/index.ts")],
    outfile: join(folder, "eip1193.mjs"),
    bundle: true,
    format: "esm",
    packages: "external",
    platform: "neutral",
    logLevel: "error",
  });
  const env = { ...process.env, PATH, NODE_URL: anvil.url, HARDHAT_DISABLE_TELEMETRY_PROMPT: "true" };
  const child = spawn(node, ["program.mjs", "hardhat"], { cwd: folder, env, stdio: "inherit", timeout: 60_000 });
  const [status] = await once(child, "exit");
  if (status !== 0) process.exitCode = 1;
} finally {
  await anvil.stop();
  rmSync(folder, { recursive: true, force: true });
}
