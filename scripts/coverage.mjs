// What the tests reach of src, in jest and in the processes that its tests start, and the least that they must reach.
// Arguments are jest's. coverage/coverage-final.json holds the counts afterwards.

import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import coverage from "istanbul-lib-coverage";
import { bundleCounting, countsOf } from "./instrument/processes.mjs";

const CONFIG = fileURLToPath(import.meta.resolve("../jest.coverage.config.mjs"));
const RESULT = "coverage/coverage-final.json";
const ALL = 100;
const MOST = 95;
/** Whose every line and branch must be reached: what signs, and what checks it. */
const WHOLE = ["core", "signer"];

mkdirSync(".cache", { recursive: true });
const folder = mkdtempSync(resolve(".cache", "coverage-"));
try {
  const counted = await bundleCounting(folder);
  rmSync(RESULT, { force: true });
  const { status } = spawnSync(
    process.execPath,
    ["node_modules/jest/bin/jest.js", "--config", CONFIG, ...process.argv.slice(2)],
    { stdio: "inherit", env: { ...process.env, ETHERS_HSM_COVERAGE: folder } },
  );
  const map = coverage.createCoverageMap(JSON.parse(readFileSync(RESULT, "utf8")));
  for (const counts of countsOf(folder, counted)) map.merge(counts);
  writeFileSync(RESULT, JSON.stringify(map));
  const isEnough = report(map);
  process.exitCode = status === 0 && isEnough ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/**
 * Prints a line for each folder, and what is missing.
 *
 * @param {import("istanbul-lib-coverage").CoverageMap} map
 */
function report(map) {
  const files = map
    .files()
    .sort()
    .map((path) => map.fileCoverageFor(path));
  /** @type {Map<string, coverage.FileCoverage[]>} */
  const folders = new Map();
  for (const file of files) {
    const [name = ""] = relative("src", dirname(file.path)).split("/");
    folders.set(name, [...(folders.get(name) ?? []), file]);
  }
  console.log("\nnot reached (lines; branches as line:column)");
  for (const file of files) {
    const missing = missingOf(file);
    if (missing !== "") console.log(`  ${relative(".", file.path)}  ${missing}`);
  }
  console.log(
    `\n${"folder of src".padEnd(18)}${"lines %".padStart(9)}${"branches %".padStart(12)}${"least %".padStart(9)}`,
  );
  let isEnough = true;
  for (const [name, own] of folders) {
    const all = coverage.createCoverageSummary();
    for (const file of own) all.merge(file.toSummary());
    const { lines, branches } = all.data;
    const least = WHOLE.includes(name) ? ALL : MOST;
    const isFolderEnough = lines.pct >= least && branches.pct >= least;
    isEnough &&= isFolderEnough;
    const row = [lines.pct.toFixed(2).padStart(9), branches.pct.toFixed(2).padStart(12), `${least}`.padStart(9)];
    console.log(`${(name || "(itself)").padEnd(18)}${row.join("")}${isFolderEnough ? "" : "  TOO LITTLE"}`);
  }
  return isEnough;
}

/** @param {coverage.FileCoverage} file */
function missingOf(file) {
  const { b, branchMap } = file.data;
  const lines = file.getUncoveredLines();
  const branches = Object.entries(b).flatMap(([id, counts]) =>
    counts.flatMap((count, index) => {
      const { loc, locations } = branchMap[id] ?? {};
      // An else that is not written has no place of its own.
      const start = locations?.[index]?.start.line === undefined ? loc?.start : locations[index]?.start;
      return count > 0 ? [] : [`${start?.line}:${start?.column}`];
    }),
  );
  return [lines.join(", "), branches.join(", ")].filter((part) => part !== "").join("; ");
}
