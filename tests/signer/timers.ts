import { AsyncLocalStorage, createHook } from "node:async_hooks";
import { turn } from "./rejection.ts";

/** How many timers `action` started, and how many of them still run once it is done. Those of the test runner don't count. */
export async function countTimers(action: () => Promise<void>): Promise<{ started: number; running: number }> {
  const scope = new AsyncLocalStorage<true>();
  const running = new Set<number>();
  let started = 0;
  const hook = createHook({
    init(id, type) {
      if (type !== "Timeout" || scope.getStore() === undefined) return;
      started++;
      running.add(id);
    },
    destroy(id) {
      running.delete(id);
    },
  });
  hook.enable();
  await scope.run(true, action);
  // A timer that was cleared is reported a moment later.
  await turn();
  hook.disable();
  return { started, running: running.size };
}
