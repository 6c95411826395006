// Sums up a CI run: node scripts/ci-summary.mjs CHECKS JEST_REPORT
//
// CHECKS has a line "passed|failed|skipped SECONDS CPU-SECONDS NAME" for each check. JEST_REPORT is what jest's --json wrote; its tests take the
// place of the check "test". The checks are listed with their times, slowest first. The last line is "N passed, N failed, N skipped",
// and the exit code says whether everything passed.

import { existsSync, readFileSync } from "node:fs";
import { relative } from "node:path";

/** @typedef {{ status: string, ancestorTitles: string[], title: string }} Test */
/** @typedef {{ name: string, status: string, message: string, assertionResults: Test[] }} TestFile */

const [checksFile = "", reportFile = ""] = process.argv.slice(2);
const checks = readFileSync(checksFile, "utf8")
  .split("\n")
  .filter((line) => line !== "")
  .map((line) => {
    const [outcome = "", seconds = "", cpu = "", name = ""] = line.split(" ");
    return { outcome, seconds: Number(seconds), cpu, name };
  });
/** @type {TestFile[]} */
const files = existsSync(reportFile) ? JSON.parse(readFileSync(reportFile, "utf8")).testResults : [];
const tests = files.flatMap((file) => file.assertionResults);
const broken = files.filter((file) => file.status === "failed" && !file.assertionResults.some(isFailed));
const skippedWhole = files.flatMap(suitesSkippedWhole);

const others = checks.filter(({ name }) => name !== "test" || files.length === 0);
const testFailures = [
  ...files.flatMap((file) => file.assertionResults.filter(isFailed).map((test) => `test: ${titleOf(file, test)}`)),
  ...broken.map((file) => `test file: ${pathOf(file)} did not run`),
];
// jest fails for more than its tests, for example an obsolete snapshot or a threshold of coverage.
if (
  testFailures.length === 0 &&
  files.length > 0 &&
  checks.some(({ outcome, name }) => name === "test" && outcome === "failed")
) {
  testFailures.push("check: test");
}
const failures = [
  ...others.filter(({ outcome }) => outcome === "failed").map(({ name }) => `check: ${name}`),
  ...testFailures,
  ...skippedWhole.map((suite) => `skipped as a whole, which counts as a failure: ${suite}`),
];

const skipped = [
  ...others.filter(({ outcome }) => outcome === "skipped").map(({ name }) => `check: ${name}, which says why above`),
  ...files.flatMap((file) => file.assertionResults.filter(isSkipped).map((test) => titleOf(file, test))),
];
const passed =
  others.filter(({ outcome }) => outcome === "passed").length +
  tests.filter(({ status }) => status === "passed").length;

list(
  "Time and CPU time of each check",
  checks
    .toSorted((a, b) => b.seconds - a.seconds)
    .map(
      ({ outcome, seconds, cpu, name }) =>
        `${`${seconds}`.padStart(5)} s ${cpu.padStart(5)} s  ${name}${outcome === "passed" ? "" : ` (${outcome})`}`,
    ),
);
list("Skipped", skipped);
list("Failed", failures);
console.log(`${passed} passed, ${failures.length} failed, ${skipped.length} skipped`);
process.exitCode = failures.length === 0 ? 0 : 1;

/**
 * @param {TestFile} file
 * @returns {string[]} the file, or the outermost of its describe blocks, of which no test ran
 */
function suitesSkippedWhole(file) {
  /** @type {Map<string, Test[]>} */
  const suites = new Map();
  for (const test of file.assertionResults) {
    for (let depth = 0; depth <= test.ancestorTitles.length; depth += 1) {
      const title = [pathOf(file), ...test.ancestorTitles.slice(0, depth)].join(" › ");
      suites.set(title, [...(suites.get(title) ?? []), test]);
    }
  }
  const whole = [...suites].filter(([, members]) => members.every(isSkipped)).map(([title]) => title);
  return whole.filter((title) => !whole.some((outer) => title.startsWith(`${outer} › `)));
}

/** @param {Test} test */
function isFailed({ status }) {
  return status === "failed";
}

/** @param {Test} test */
function isSkipped({ status }) {
  return status !== "passed" && status !== "failed";
}

/** @param {TestFile} file */
function pathOf(file) {
  return relative(process.cwd(), file.name);
}

/**
 * @param {TestFile} file
 * @param {Test} test
 */
function titleOf(file, test) {
  return [pathOf(file), ...test.ancestorTitles, test.title].join(" › ");
}

/**
 * @param {string} heading
 * @param {readonly string[]} lines
 */
function list(heading, lines) {
  if (lines.length > 0) console.log(`${heading}:\n${lines.map((line) => `  ${line}`).join("\n")}\n`);
}
