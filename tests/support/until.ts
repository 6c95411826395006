// Kept, since jest's fake timers replace the global one.
const { setTimeout } = globalThis;

/** Waits until `condition` holds, also while time is stopped; a test that waits in vain runs into its own time limit. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5));
}
