// What goes wrong on purpose. A fault is taken from the state file by the command that it names, `times` times.
//
//   die-before   ends before the command does anything    die-after    does it, then ends without an answer
//   die-half     does it, answers half of it, then ends   hang         never answers, and ignores SIGTERM
//   delay        waits `ms` before it begins              logout       the login session ends first
//   usage        a parser's error on stderr, no JSON      text         prints `text` instead of the answer
//   refuse       answers `text` as the cluster's error    wrong-digest signs something else
//   other-key    answers with another key's reference     stderr       prints `text` on stderr first

import { withState } from "./state.js";

/** @typedef {import("./state.js").Fault} Fault */

/**
 * The next fault of this command, if there is one; and a line in the state's list of what was run.
 *
 * @param {string} folder
 * @param {string} command
 * @returns {Fault | undefined}
 */
export function takeFault(folder, command) {
  return withState(folder, (state) => {
    state.commands.push(command);
    const fault = state.faults.find(({ at, times = 1 }) => at === command && times > 0);
    if (fault === undefined) return undefined;
    if (fault.after) {
      fault.after--;
      return undefined;
    }
    fault.times = (fault.times ?? 1) - 1;
    return fault;
  });
}

/** @param {number} ms */
export function wait(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** @returns {Promise<never>} */
export function hang() {
  process.on("SIGTERM", () => {});
  return new Promise(() => {
    setInterval(() => {}, 1000);
  });
}
