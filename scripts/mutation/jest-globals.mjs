// What the tests of tests/core take from Jest, without Jest: they are collected instead of run. Jest itself takes a second to
// start on a file of tests, and has to start again for each of two thousand changes.

import { expect } from "expect";
import { ModuleMocker } from "jest-mock";

/** @typedef {(...row: any[]) => unknown} Body */

/** @type {{ readonly name: string, readonly run: () => Promise<void> }[]} */
export const tests = [];

/** @type {Body[]} */
const afterEachTest = [];
/** @type {string[]} */
const path = [];

/** @type {(name: string, body: Body) => void} */
function describe(name, body) {
  path.push(name);
  body();
  path.pop();
}

/** @type {(name: string, body: Body) => void} */
function test(name, body) {
  // Names of rows are alike here; their numbers are not.
  const full = `${tests.length + 1} ${[...path, name].join(" ")}`;
  const run = async () => {
    try {
      await body();
    } finally {
      for (const hook of afterEachTest) await hook();
    }
  };
  tests.push({ name: full, run });
}

/** @param {(name: string, body: Body) => void} collect */
function each(collect) {
  return (/** @type {readonly unknown[]} */ table) => (/** @type {string} */ name, /** @type {Body} */ body) => {
    for (const row of table) collect(name, () => body(...(Array.isArray(row) ? row : [row])));
  };
}

describe.each = each(describe);
test.each = each(test);

/** @param {Body} hook */
function afterEach(hook) {
  afterEachTest.push(hook);
}

const jest = new ModuleMocker(globalThis);

export { afterEach, describe, expect, jest, test };
