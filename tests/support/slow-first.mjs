import Sequencer from "@jest/test-sequencer";

/** Starts the slow files first: jest goes by a file's size, and a run would end with one worker at the longest of them. */
export default class SlowFirst extends Sequencer {
  /**
   * @override
   * @param {Parameters<Sequencer["sort"]>[0]} tests
   */
  sort(tests) {
    const sorted = /** @type {typeof tests} */ (super.sort(tests));
    /** @param {(typeof tests)[number]} test */
    const isSlow = ({ path }) => path.endsWith(".slow.test.ts");
    return [...sorted.filter(isSlow), ...sorted.filter((test) => !isSlow(test))];
  }
}
