// Mutation testing of src/core: changes it in some two thousand places, one at a time, and reports the changes that no test
// notices. `npm run mutation` does all of it, `npm run mutation -- decoders limbs` some groups of files;
// with `--incremental` it repeats only what the change of a file or a test may have altered, as Stryker sees it.
//
// A group at a time, with its own tests: a change is then noticed near to where it was made, or not at all, and soon.

import { readdirSync } from "node:fs";
import { GROUPS } from "./groups.mjs";
import { runGroup } from "./run-group.mjs";

const LEAST = 90;

/** @typedef {{ killed: number, timeout: number, survived: number, uncovered: number }} Counts */

const incremental = process.argv.includes("--incremental");
const names = process.argv.slice(2).filter((argument) => argument !== "--incremental");
const unknown = names.find((name) => !Object.hasOwn(GROUPS, name));
if (unknown) throw new Error(`There is no group ${unknown}; there are ${Object.keys(GROUPS).join(", ")}.`);
requireEveryFile();

/** @type {Map<string, Counts>} */
const files = new Map();
const start = Date.now();
for (const [name, group] of Object.entries(GROUPS)) {
  if (names.length > 0 && !names.includes(name)) continue;
  for (const { fileName, status } of await runGroup(name, group, incremental)) count(fileName, status);
}

/** @type {Counts} */
const all = { killed: 0, timeout: 0, survived: 0, uncovered: 0 };
for (const [name, counts] of [...files].sort()) {
  for (const key of /** @type {(keyof Counts)[]} */ (Object.keys(all))) all[key] += counts[key];
  print(name, counts);
}
print("in all", all);
const minutes = ((Date.now() - start) / 60_000).toFixed(1);
console.log(`${minutes} minutes; the score has to be ${LEAST} % at least`);
// Where nothing was changed there is no score, which does not pass.
if (!(score(all) >= LEAST)) process.exitCode = 1;

/**
 * @param {string} fileName
 * @param {string} status
 */
function count(fileName, status) {
  const name = fileName.slice(fileName.lastIndexOf("/") + 1);
  const counts = files.get(name) ?? { killed: 0, timeout: 0, survived: 0, uncovered: 0 };
  files.set(name, counts);
  if (status === "Killed") counts.killed += 1;
  else if (status === "Timeout") counts.timeout += 1;
  else if (status === "Survived") counts.survived += 1;
  else if (status === "NoCoverage") counts.uncovered += 1;
  else if (status !== "Ignored") throw new Error(`A change of ${name} could not be tested: ${status}`);
}

/** @param {Counts} counts */
function score({ killed, timeout, survived, uncovered }) {
  return (100 * (killed + timeout)) / (killed + timeout + survived + uncovered);
}

/** @param {string} name @param {Counts} counts */
function print(name, counts) {
  const { killed, timeout, survived, uncovered } = counts;
  const text = `${killed} killed, ${timeout} endless, ${survived + uncovered} survived (${uncovered} in no test)`;
  console.log(`${name.padEnd(20)} ${score(counts).toFixed(1).padStart(5)} %: ${text}`);
}

function requireEveryFile() {
  const known = Object.values(GROUPS).flatMap((group) => group.files.map((file) => `${file}.ts`));
  const missing = readdirSync(new URL("../../src/core", import.meta.url)).filter((file) => !known.includes(file));
  if (missing.length > 0) throw new Error(`No group of scripts/mutation/groups.mjs has ${missing.join(", ")}.`);
}
