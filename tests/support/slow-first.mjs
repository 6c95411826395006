import Sequencer from "@jest/test-sequencer";

/**
 * Starts the slow files first. In a fresh checkout jest knows no times and starts with the largest file: a slow one of a few lines
 * would run last, and alone.
 */
export default class SlowFirst extends Sequencer {
  /** @param {{ path: string }[]} tests */
  sort(tests) {
    const sorted = super.sort(tests);
    return [...sorted.filter(isSlow), ...sorted.filter((test) => !isSlow(test))];
  }
}

/** @param {{ path: string }} test */
function isSlow({ path }) {
  return path.endsWith(".slow.test.ts");
}
