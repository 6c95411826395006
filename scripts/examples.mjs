// Runs the examples, each with two backends where it can, and prints a line for each: npm run examples [-- --only NAME]
//
// It exits with 1 where one fails, and shows what that one printed.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { parseArgs } from "node:util";
import { projectFolder } from "./setup/project.mjs";

// Between them every example meets a token and a cloud, and every backend several examples.
/** @type {Readonly<Record<string, readonly string[]>>} */
const examples = {
  // Hardhat and KZG's setup take the longest: they begin first.
  "hardhat-deployment": ["aws-kms", "pkcs11"],
  "blob-transaction": ["pkcs11"],
  "send-eth": ["pkcs11", "aws-kms"],
  erc20: ["cloudhsm", "azure-key-vault"],
  "deploy-contract": ["pkcs11", "aws-kms"],
  eip7702: ["cloudhsm", "gcp-kms"],
  safe: ["pkcs11", "aws-kms"],
  "many-accounts": ["gcp-kms", "azure-key-vault"],
  "many-processes": ["pkcs11"],
  "durable-sends": ["pkcs11"],
  observability: ["pkcs11"],
  "viem-app": ["pkcs11", "aws-kms"],
  "web3js-app": ["cloudhsm", "azure-key-vault"],
  "express-endpoint": ["pkcs11", "aws-kms"],
  "kaleido-migration": ["cloudhsm", "azure-key-vault"],
};
const AT_A_TIME = 2;
// Milliseconds: for machines that have other work, too.
const LONGEST = 600_000;

const { values } = parseArgs({ options: { only: { type: "string", multiple: true, default: Object.keys(examples) } } });
const unknown = values.only.filter((name) => !(name in examples));
if (unknown.length > 0) {
  console.error(`no example ${unknown.join(", ")}: there are ${Object.keys(examples).join(", ")}`);
  process.exit(2);
}
const waiting = [...values.only];
const started = performance.now();
let runs = 0;
let failures = 0;
await Promise.all(Array.from({ length: AT_A_TIME }, work));
console.log(`${runs - failures} of ${runs} runs of examples are ok, in ${seconds(started)} s.`);
process.exitCode = failures === 0 ? 0 : 1;

// No example runs twice at a time: some install packages, or compile, in their own folder.
async function work() {
  for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
    for (const backend of examples[name] ?? []) {
      const begun = performance.now();
      const { ok, output } = await example(name, backend);
      const line = `${ok ? "ok    " : "FAILED"} ${name.padEnd(20)} ${backend.padEnd(16)} ${seconds(begun).padStart(5)} s`;
      console.log(ok ? line : `${line}\n${output}`);
      runs += 1;
      if (!ok) failures += 1;
    }
  }
}

/**
 * @param {string} name
 * @param {string} backend
 */
async function example(name, backend) {
  const parameters = ["--import", "tsx", join("examples", name, "main.ts"), "--backend", backend];
  const child = spawn(process.execPath, parameters, {
    cwd: projectFolder,
    stdio: ["ignore", "pipe", "pipe"],
    timeout: LONGEST,
  });
  const [stdout, stderr, [status, signal]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "exit"),
  ]);
  return { ok: status === 0, output: `${stdout}${stderr}${signal ? `\nended by ${signal}` : ""}`.trim() };
}

/** @param {number} since of performance.now() */
function seconds(since) {
  return ((performance.now() - since) / 1000).toFixed(1);
}
