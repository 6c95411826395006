import { Stryker } from "@stryker-mutator/core";

/**
 * Changes the files of a group, one place at a time, and runs its tests for each change. Reports: .cache/mutation/<name>.html.
 *
 * @param {string} name
 * @param {import("./groups.mjs").Group} group
 * @param {boolean} incremental
 */
export function runGroup(name, { files, tests }, incremental) {
  process.env["ETHERS_HSM_MUTATION_TESTS"] = tests.join(" ");
  const stryker = new Stryker({
    mutate: files.map((file) => `src/core/${file}.ts`),
    plugins: ["./scripts/mutation/test-runner.mjs"],
    testRunner: "in-process",
    coverageAnalysis: "perTest",
    // What is copied to the sandbox; it lies within this folder, where Node.js finds node_modules.
    ignorePatterns: ["**", "!src/**", "!tests/core/**", "!tests/support/**", "!*.json"],
    symlinkNodeModules: false,
    tempDirName: `.cache/mutation/${name}`,
    incremental,
    incrementalFile: `.cache/mutation/${name}-incremental.json`,
    jsonReporter: { fileName: `.cache/mutation/${name}.json` },
    htmlReporter: { fileName: `.cache/mutation/${name}.html` },
    reporters: ["progress-append-only", "clear-text", "json", "html"],
    clearTextReporter: { allowColor: false, logTests: false, reportTests: false, reportScoreTable: false },
    // A change that makes a loop endless is mostly noticed by the number of its turns; time is for the others, and is enough
    // for those that are slow on a busy machine.
    timeoutMS: 15_000,
    dryRunTimeoutMinutes: 20,
  });
  return stryker.runMutationTest();
}
