// Runs this Hardhat project as its users do: compiles, deploys by a key in a KMS or an HSM, and checks on the chain. It
// exits with 1 if anything differs.
//
//   npx tsx examples/hardhat-deployment/main.ts [--backend aws-kms|pkcs11]
//
// Hardhat needs Node 22: the runner brings one. The library is put into node_modules as built from this checkout.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { Contract, getCreateAddress, parseEther } from "ethers";
import { signerFromUri } from "ethers-hsm/uri";
import { nodes } from "../../scripts/consumers/nodes.mjs";

import { installOwnPackages } from "../../scripts/setup/own-packages.mjs";
import { projectFolder } from "../../scripts/setup/project.mjs";
import { expectEqual, Report } from "../demo/report.ts";
import artifact from "../deploy-contract/vault.json" with { type: "json" };
import { openChain } from "../support/chain.ts";
import { readOptions } from "../support/options.ts";
import { DEPLOYERS } from "./deployer.ts";

const HELD = parseEther("0.002");

const { backend } = readOptions(["backend"], Object.keys(DEPLOYERS));
const folder = fileURLToPath(new URL(".", import.meta.url));
const [, node = process.execPath] = nodes();
// npm leaves out the optional packages that its own Node is too old for, and Hardhat's EVM is one.
process.env["PATH"] = `${dirname(node)}${delimiter}${process.env["PATH"]}`;
installOwnPackages(folder, "Hardhat comes from the npm registry.");
await putLibrary();

const report = new Report();
const service = await DEPLOYERS[backend]?.();
if (!service) throw new Error(`no backend ${backend}`);
const chain = await openChain(undefined);
const env = { ...process.env, ...service.env, RPC_URL: chain.url, HARDHAT_DISABLE_TELEMETRY_PROMPT: "true" };
try {
  Object.assign(process.env, service.env);
  const signer = await signerFromUri(service.env.ETHERS_HSM_KEY);
  const deployer = await signer.getAddress();
  await signer.close();
  await chain.fund(deployer, parseEther("10"));
  report.step("deployer", `${deployer}, ${service.env.ETHERS_HSM_KEY}`);

  await hardhat("build", "--force");
  report.step("compiled", "contracts/Vault.sol");
  await hardhat("run", "scripts/deploy.js", "--network", "target");
  const address = getCreateAddress({ from: deployer, nonce: 0 });
  const vault = new Contract(address, artifact.abi, chain.provider);
  expectEqual("the contract's owner", await vault.getFunction("owner")(), deployer);
  expectEqual("the constructor's argument", await vault.getFunction("purpose")(), "payroll");
  expectEqual("the contract's balance", await chain.provider.getBalance(address), HELD);
  report.step("deployed", address);

  await hardhat("run", "scripts/check.js");
  expectEqual("the deployer's transactions", await chain.provider.getTransactionCount(deployer), 5);
  report.step("checked", "over Hardhat's own node and over the target");
  report.end();
} finally {
  await chain.close();
  await service.close();
}

/** Not synchronously: the service that it calls is in this process. */
async function hardhat(...parameters: string[]): Promise<void> {
  const script = join(folder, "node_modules/hardhat/dist/src/cli.js");
  const child = spawn(node, [script, ...parameters], { cwd: folder, env, stdio: ["ignore", "inherit", "inherit"] });
  const [status] = await once(child, "exit");
  expectEqual(`the exit code of hardhat ${parameters.join(" ")}`, status, 0);
}

/** Where npm install would put it. */
async function putLibrary(): Promise<void> {
  const library = join(folder, "node_modules/ethers-hsm");
  await build({
    entryPoints: ["uri", "eip1193"].map((name) => ({ in: join(projectFolder, `src/${name}/index.ts`), out: name })),
    outdir: library,
    bundle: true,
    splitting: true,
    format: "esm",
    packages: "external",
    platform: "node",
    logLevel: "error",
  });
  const exports = { "./uri": "./uri.js", "./eip1193": "./eip1193.js" };
  writeFileSync(join(library, "package.json"), JSON.stringify({ name: "ethers-hsm", type: "module", exports }));
}
