// Runs every ```ts block of the README and the guides that is a program, each in a process of its own: against servers that speak
// the services' protocols, SoftHSM2 and anvil. Addresses and Azure's credential are replaced, nothing else; what cannot be had here
// is named with its reason.
//
//   tsx scripts/run-docs.mjs [PAGE]

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { codeBlocks } from "./docs/blocks.mjs";
import { places } from "./docs/places.mjs";
import { cacheFolder, projectFolder } from "./setup/project.mjs";

/** What is compiled only, and why: the first that fits counts. @type {readonly (readonly [RegExp, string])[]} */
const needs = [
  [/^declare /m, "a fragment: the reader brings a part of it"],
  [/CloudHsm/, "needs AWS CloudHSM"],
  [/ManagedIdentityCredential|ClientSecretCredential|clientSecret/, "needs a credential that Azure gives"],
  [/from "(pg|postgres|redis|ioredis)"/, "needs a database"],
  [/KeyManagementServiceClient/, "needs Google Cloud: its client has a place of its own"],
  [/readFile\(/, "needs files that people of a quorum exchange"],
];

const folder = join(cacheFolder, "docs-run");
const guard = fileURLToPath(new URL("docs/loopback-only.cjs", import.meta.url));
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });

/** @type {Map<string, string[]>} */
const notRun = new Map();
let [passed, failed] = [0, 0];
for (const { page, line, code } of codeBlocks().filter((block) => block.page.includes(process.argv[2] ?? ""))) {
  const where = `${page}:${line}`;
  const reason = needs.find(([pattern]) => pattern.test(code))?.[1];
  if (reason !== undefined) {
    notRun.set(reason, [...(notRun.get(reason) ?? []), where]);
    continue;
  }
  const file = join(folder, `${page.replaceAll("/", "~")}~${line}.mts`);
  const { ok, output } = await runBlock(file, `${"\n".repeat(line)}${code}\nexport {};\n`);
  console.log(`  ${ok ? "ok    " : "FAILED"} ${where}`);
  if (ok) passed += 1;
  else {
    failed += 1;
    console.log(output.replace(/^/gm, "         "));
  }
}
for (const [reason, blocks] of notRun) console.log(`  compiled only, ${reason}: ${blocks.join(", ")}`);
const compiledOnly = [...notRun.values()].flat().length;
console.log(`${passed} code blocks of the documentation run, ${failed} fail, ${compiledOnly} are compiled only.`);
if (failed > 0 || passed === 0) process.exitCode = 1;

/**
 * @param {string} file
 * @param {string} code
 */
async function runBlock(file, code) {
  const { replacements, env, stop } = await places(code);
  try {
    writeFileSync(
      file,
      replacements.reduce((changed, [from, to]) => changed.replaceAll(from, to), code),
    );
    const child = spawn(process.execPath, ["--require", guard, "--import", "tsx", file], {
      cwd: projectFolder,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
      timeout: 120_000,
    });
    const [output, errors, [status, signal]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, "close"),
    ]);
    return { ok: status === 0, output: `${output}${errors}${signal ? `ended by ${signal}` : ""}` };
  } finally {
    await stop();
  }
}
