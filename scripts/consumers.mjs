// Packs the built package and uses it as applications do, outside the checkout: in every way that TypeScript resolves modules, on
// every supported Node, in Bun and Deno, by jest, vitest and NestJS, and bundled by esbuild and webpack. Most share one install.

import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Application, must } from "./consumers/application.mjs";
import { bundles } from "./consumers/bundles.mjs";
import { gettingStarted } from "./consumers/getting-started.mjs";
import { nodes, otherRuntimes } from "./consumers/nodes.mjs";
import { Services } from "./consumers/services.mjs";
import { makeToken } from "./consumers/token.mjs";
import { entryPoints } from "./entry-points.mjs";
import { run } from "./setup/command.mjs";
import { projectFolder } from "./setup/project.mjs";

entryPoints();
const { devDependencies, peerDependencies } = JSON.parse(readFileSync(join(projectFolder, "package.json"), "utf8"));
/** @param {string} name */
const newest = (name) => `${name}@${devDependencies[name]}`;
/** @param {string} name */
const lowest = (name) => `${name}@${peerDependencies[name].replace(/^\^| \|\|.*/g, "")}`;

const sdks = ["@aws-sdk/client-kms", "@azure/identity", "@azure/keyvault-keys"];
const peers = ["ethers", "viem", "pkcs11js", "google-auth-library", "@opentelemetry/api", ...sdks];
const tools = ["jest@30", "vitest@3", "webpack@5", "@nestjs/common@11", "@nestjs/core@11", "reflect-metadata", "rxjs"];
const programs = ["typed.ts", "cloud.ts", "around.ts"];

let failures = 0;
const folder = mkdtempSync(join(tmpdir(), "ethers-hsm-consumers-"));
const services = await Services.start();
try {
  const packed = must(run("npm", ["pack", "--json", "--pack-destination", folder], { cwd: projectFolder }), "npm pack");
  const tarball = join(folder, /"filename": "(.+)"/.exec(packed)?.[1] ?? "");
  const token = makeToken(folder);
  const env = {
    SOFTHSM2_CONF: token.configuration,
    PKCS11_LIBRARY: token.libraryPath,
    SERVICES: services.json,
    WITH_PEERS: "true",
    // AWS's SDK says on Node 20 that later versions of it will need a later Node.
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
  };
  const [running = process.execPath, ...later] = nodes();
  const newestNode = later.at(-1) ?? running;

  console.log("An application with all peers");
  const all = new Application(join(folder, "all"), [tarball, ...[...peers, "@types/node"].map(newest), ...tools]);
  report(all.compile("nodenext", [...programs, "viem.ts"]));
  report(all.compile("bundler", [...programs, "viem.ts"]));
  // viem declares ES modules only, as TypeScript's node16 sees it: its users in CommonJS write JavaScript.
  report(all.compile("node16", programs));
  report(all.compile("node10", programs));
  report(all.compilePkcs11js(newestNode));
  all.add("viem.cjs");
  for (const node of [running, ...later]) {
    const { output: version } = run(node, ["--version"]);
    for (const program of ["nodenext/all.js", "node16/all.js", "nodenext/viem.js", "viem.cjs"])
      report(all.run(`runs ${program} on Node ${version}`, node, [program], env));
  }
  const { bun, deno } = otherRuntimes();
  for (const program of ["nodenext/all.js", "node16/all.js", "nodenext/viem.js"])
    report(all.run(`runs ${program} in Bun`, bun, [program], env));
  // Deno's worker threads have file descriptors of their own: the watcher of an isolated library cannot read its pipe.
  for (const program of ["nodenext/all.js", "nodenext/viem.js"])
    report(all.run(`runs ${program} in Deno`, deno, ["run", "--allow-all", program], { ...env, ISOLATION: "false" }));

  console.log("NestJS, vitest, jest, esbuild and webpack");
  const decorators = ["--experimentalDecorators", "--emitDecoratorMetadata", "--skipLibCheck"];
  report(all.compile("node10", ["nest.ts"], decorators));
  report(all.run("runs in NestJS", running, ["node10/nest.js"], env));
  all.add("entries.vitest.mjs", "vitest/entries.test.mjs");
  report(tests("vitest", [join(all.folder, "node_modules/vitest/vitest.mjs"), "run"], join(all.folder, "vitest"), env));
  // jest 29 finds no tests in .cjs files.
  const jest29 = new Application(join(all.folder, "jest-29"), ["jest@29"]);
  mkdirSync(join(all.folder, "jest-30"));
  writeFileSync(join(all.folder, "jest-30/package.json"), "{}\n");
  for (const name of ["jest-29", "jest-30"]) {
    const { folder: from } = name === "jest-29" ? jest29 : all;
    all.add("entries.test.cjs", `${name}/entries.test.js`);
    report(tests(name, [join(from, "node_modules/jest/bin/jest.js")], join(all.folder, name), env));
  }
  for (const result of bundles(all, env)) report(result);

  console.log("An application with ethers alone");
  const bare = new Application(join(folder, "bare"), [tarball, newest("ethers"), newest("@types/node")]);
  report(bare.compile("nodenext", ["typed.ts"]));
  report(bare.compile("node10", ["typed.ts"]));
  report(bare.compile("node16", ["typed.ts"]));
  bare.add("plain.cjs");
  for (const type of ["nodenext", "node16"]) {
    cpSync(join(all.folder, type, "cloud.js"), join(bare.folder, type, "cloud.js"));
    for (const program of ["typed.js", "cloud.js"])
      report(bare.run(`${type}/${program}`, newestNode, [`${type}/${program}`], { ...env, WITH_PEERS: "false" }));
  }
  report(bare.run("plain.cjs", running, ["plain.cjs"], env));

  console.log("An application with AWS's SDK alone");
  const aws = new Application(join(folder, "aws"), [
    tarball,
    ...["ethers", "@aws-sdk/client-kms", "@types/node"].map(newest),
  ]);
  report(aws.compile("nodenext", ["uri.ts"]));
  report(aws.run("runs nodenext/uri.js", running, ["nodenext/uri.js"], env));

  console.log("An application with the lowest versions of the peers");
  const oldest = new Application(join(folder, "lowest"), [tarball, ...peers.map(lowest), newest("@types/node")]);
  report(oldest.compile("nodenext", [...programs, "viem.ts"]));
  for (const program of ["nodenext/all.js", "nodenext/viem.js"])
    report(oldest.run(`runs ${program}`, running, [program], env));

  const { rpc, kms } = JSON.parse(services.json);
  const credentials = { AWS_ACCESS_KEY_ID: "AKIACONSUMERCONSUMER", AWS_SECRET_ACCESS_KEY: "consumer" };
  const uri = `pkcs11:token=consumer;object=treasury?module-path=${token.libraryPath}&pin-source=env:HSM_PIN`;
  const kmsUri = `aws-kms:${kms.keyId}?region=${kms.region}`;
  for (const [backend, key] of /** @type {const} */ ([
    ["PKCS#11", { ETHERS_HSM_KEY: uri, HSM_PIN: "user:password" }],
    ["AWS KMS", { ...credentials, AWS_ENDPOINT_URL_KMS: kms.endpoint, ETHERS_HSM_KEY: kmsUri }],
  ])) {
    console.log(`docs/getting-started.md, on ${backend}`);
    for await (const result of gettingStarted(all.folder, rpc, { ...env, ...key })) report(result);
  }
} finally {
  await services.stop();
  rmSync(folder, { recursive: true, force: true });
}
if (failures > 0) process.exitCode = 1;

/**
 * @param {string} tool
 * @param {readonly string[]} args
 * @param {string} cwd
 * @param {Record<string, string>} env
 */
function tests(tool, args, cwd, env) {
  const result = run(process.execPath, args, { cwd, env: { ...env, CI: "true" }, timeout: 120_000 });
  return { what: `passes its tests in ${tool} with default settings`, ...result };
}

/** @param {import("./consumers/application.mjs").Result} result */
function report({ what, ok, output }) {
  console.log(`  ${ok ? "ok    " : "FAILED"} ${what}`);
  if (ok) return;
  failures += 1;
  console.log(output.replace(/^/gm, "         "));
}
