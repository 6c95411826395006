// A test runner for Stryker that stays in one process: a change is switched on, the tests are loaded again, and the first one that
// fails ends it. What is not changed by anybody, ethers and the other packages, stays loaded.

import { declareClassPlugin, PluginKind, tokens } from "@stryker-mutator/api/plugin";
import {
  DryRunStatus,
  determineHitLimitReached,
  TestStatus,
  toMutantRunResult,
} from "@stryker-mutator/api/test-runner";
import fc from "fast-check";
import { TestFile } from "./test-file.mjs";

// The same cases in every run, so that a change is either noticed or not; and a failure is not shrunk.
fc.configureGlobal({ seed: 1, endOnFailure: true });

/** @typedef {import("@stryker-mutator/api/test-runner").TestResult} TestResult */

/**
 * What the changed code reads, and where it counts.
 *
 * @type {{ activeMutant?: string | undefined, currentTestId?: string | undefined, hitCount?: number | undefined,
 *   hitLimit?: number | undefined, mutantCoverage: import("@stryker-mutator/api/core").MutantCoverage }}
 */
const context = { mutantCoverage: { static: {}, perTest: {} } };
Object.assign(globalThis, { __stryker__: context });

class InProcessRunner {
  static inject = tokens();
  /** @type {TestFile[]} */
  #files = [];

  capabilities() {
    return { reloadEnvironment: true };
  }

  async init() {
    // The names that main.mjs gave; Stryker's own option `testFiles` would switch the changes of constants on too late.
    const names = process.env["ETHERS_HSM_MUTATION_TESTS"] ?? "";
    this.#files = names.split(" ").map((name) => new TestFile(`tests/core/${name}.test.ts`));
  }

  async dryRun() {
    /** @type {TestResult[]} */
    const results = [];
    for (const file of this.#files) {
      for (const test of file.load()) {
        context.currentTestId = test.name;
        results.push(await resultOf(test, file));
        context.currentTestId = undefined;
      }
    }
    return {
      status: /** @type {const} */ (DryRunStatus.Complete),
      tests: results,
      mutantCoverage: context.mutantCoverage,
    };
  }

  /** @param {import("@stryker-mutator/api/test-runner").MutantRunOptions} options */
  async mutantRun({ activeMutant, hitLimit, mutantActivation, testFilter }) {
    context.hitLimit = hitLimit;
    context.hitCount = hitLimit === undefined ? undefined : 0;
    const isWanted = (/** @type {string} */ name) => !testFilter || testFilter.includes(name);
    /** @type {TestResult[]} */
    const results = [];
    for (const file of this.#files) {
      if (testFilter && !testFilter.some((name) => name.startsWith(`${file.name} `))) continue;
      const tests = await this.#load(file, activeMutant.id, mutantActivation === "static", results);
      for (const test of tests) {
        if (isWanted(test.name) && results.every(hasPassed)) results.push(await resultOf(test, file));
      }
      context.activeMutant = undefined;
      if (!results.every(hasPassed)) break;
    }
    const endless = determineHitLimitReached(context.hitCount, hitLimit);
    return toMutantRunResult(endless ?? { status: DryRunStatus.Complete, tests: results });
  }

  /** @type {(file: TestFile, mutant: string, isStatic: boolean, results: TestResult[]) => Promise<ReturnType<TestFile["load"]>>} */
  async #load(file, mutant, isStatic, results) {
    context.activeMutant = isStatic ? mutant : undefined;
    /** @type {ReturnType<TestFile["load"]>} */
    let tests = [];
    const run = async () => {
      tests = file.load();
    };
    results.push(await resultOf({ name: `${file.name} is loaded`, run }, file));
    context.activeMutant = mutant;
    return tests;
  }
}

/** @type {(test: ReturnType<TestFile["load"]>[number], file: TestFile) => Promise<TestResult>} */
async function resultOf({ name, run }, { path }) {
  const start = performance.now();
  const about = () => ({ id: name, name, fileName: path, timeSpentMs: Math.round(performance.now() - start) });
  try {
    await run();
    return { ...about(), status: TestStatus.Success };
  } catch (error) {
    const failureMessage = error instanceof Error ? error.message : String(error);
    return { ...about(), status: TestStatus.Failed, failureMessage };
  }
}

/** @param {TestResult} result */
function hasPassed({ status }) {
  return status === TestStatus.Success;
}

export const strykerPlugins = [declareClassPlugin(PluginKind.TestRunner, "in-process", InProcessRunner)];
