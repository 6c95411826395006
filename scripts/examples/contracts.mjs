// The contracts of the examples: NAME.json beside NAME.sol holds what the compiler made of it, so that no compiler is needed to
// run an example.
//
//   node scripts/examples/contracts.mjs           writes them
//   node scripts/examples/contracts.mjs --check   exits with 1 where one is not what the locked compiler makes of its source

import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { projectFolder } from "../setup/project.mjs";

/** @typedef {{ contractName: string, compiler: string, abi: unknown[], bytecode: string }} Artifact */

const require = createRequire(import.meta.url);
const { version } = require("solc/package.json");
const examples = join(projectFolder, "examples");
const check = process.argv.includes("--check");

const sources = readdirSync(examples, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .flatMap(({ name }) => readdirSync(join(examples, name)).map((file) => `${name}/${file}`))
  .filter((path) => path.endsWith(".sol"))
  .sort();
for (const [path, artifact] of Object.entries(compile(sources))) {
  const file = join(examples, path.replace(/sol$/, "json"));
  if (!check) writeFileSync(file, `${JSON.stringify(artifact, null, 2)}\n`);
  else if (existsSync(file) && isDeepStrictEqual(JSON.parse(readFileSync(file, "utf8")), artifact))
    console.log(`${path}: ok`);
  else {
    console.error(
      `${path}: its .json is not what solc ${version} makes of it; run node scripts/examples/contracts.mjs`,
    );
    process.exitCode = 1;
  }
}

/**
 * @param {readonly string[]} paths
 * @returns {Record<string, Artifact>} by path: of each file its one contract
 */
function compile(paths) {
  const input = {
    language: "Solidity",
    sources: Object.fromEntries(paths.map((path) => [path, { content: readFileSync(join(examples, path), "utf8") }])),
    settings: {
      evmVersion: "cancun",
      // No hash of the source in the bytecode: a comment would change it.
      metadata: { appendCBOR: false, bytecodeHash: "none" },
      optimizer: { enabled: true, runs: 200 },
      outputSelection: { "*": { "*": ["abi", "evm.bytecode.object"] } },
    },
  };
  // In a process of its own: the compiler registers process-wide listeners when it is loaded.
  const { stdout, stderr } = spawnSync(process.execPath, [require.resolve("solc/solc.js"), "--standard-json"], {
    input: JSON.stringify(input),
    encoding: "utf8",
    maxBuffer: 2 ** 26,
  });
  // The command says which prover it did not find before it prints the JSON.
  const output = JSON.parse(
    stdout.slice(stdout.indexOf("{")) || `{ "errors": [{ "formattedMessage": ${JSON.stringify(stderr)} }] }`,
  );
  const messages = (output.errors ?? []).map(
    (/** @type {{ formattedMessage: string }} */ error) => error.formattedMessage,
  );
  if (messages.length > 0) throw new Error(messages.join("\n"));
  return Object.fromEntries(
    paths.map((path) => {
      const [[contractName, { abi, evm }], ...others] = /** @type {[[string, any], ...unknown[]]} */ (
        Object.entries(output.contracts[path])
      );
      if (others.length > 0) throw new Error(`${path} has more than one contract`);
      return [path, { contractName, compiler: `solc ${version}`, abi, bytecode: `0x${evm.bytecode.object}` }];
    }),
  );
}
