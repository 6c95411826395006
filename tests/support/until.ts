import { setTimeout } from "node:timers/promises";

/**
 * Waits until `condition` holds, also while time is stopped. A test that waits in vain runs into its own time limit, and the
 * process can end nevertheless.
 */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await setTimeout(5, undefined, { ref: false });
}
