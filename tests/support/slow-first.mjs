import Sequencer from "@jest/test-sequencer";

/** @typedef {Parameters<Sequencer["sort"]>[0]} Tests */

/**
 * Starts the slow files first. In a fresh checkout jest knows no times and starts with the largest file: a slow one of a few lines
 * would run last, and alone.
 */
export default class SlowFirst extends Sequencer {
  /**
   * @override
   * @param {Tests} tests
   */
  async sort(tests) {
    const sorted = await super.sort(tests);
    return [...sorted.filter(isSlow), ...sorted.filter((test) => !isSlow(test))];
  }
}

/** @param {Tests[number]} test */
function isSlow({ path }) {
  return path.endsWith(".slow.test.ts");
}
