import { Worker } from "node:worker_threads";
import type { BuiltTarget } from "./build.ts";
import { Watched } from "./watched.ts";
import type { WorkOrder, WorkReport } from "./worker.ts";

/** One execution longer than this is one that never ends. */
const HANG_MS = 10_000;
const HEAP_MB = 256;
/** Of the whole process: what is outside of the heap counts too. */
const RESIDENT_MB = 1_500;
const LOOK_MS = 500;

const LONGEST = 1 << 20;

/** Runs a target in a thread of its own, with a small heap, and watches it. */
export async function runTarget(
  { path, branches, words }: BuiltTarget,
  order: Pick<WorkOrder, "task" | "seed" | "seconds" | "executions" | "corpus">,
): Promise<WorkReport> {
  const memory = Watched.memory(LONGEST);
  const watched = new Watched(memory);
  const workerData: WorkOrder = { ...order, words: [...words].sort(), branches: branches.length, memory };
  const worker = new Worker(path, { workerData, resourceLimits: { maxOldGenerationSizeMb: HEAP_MB } });

  return new Promise((resolve, reject) => {
    const fail = (kind: string, message: string) => {
      const { executions, input } = watched;
      const finding = { kind, message, input };
      resolve({ executions, accepted: 0, added: [], unreached: [], finding });
      void worker.terminate();
    };
    let last = -1;
    let since = performance.now();
    const look = setInterval(() => {
      const { executions } = watched;
      if (executions !== last) {
        last = executions;
        since = performance.now();
      } else if (executions > 0 && performance.now() - since > HANG_MS) {
        fail("hang", `no answer within ${HANG_MS / 1000} s`);
      }
      if (process.memoryUsage.rss() > RESIDENT_MB * 1e6)
        fail("memory", `the process holds more than ${RESIDENT_MB} MB`);
    }, LOOK_MS);
    worker.once("message", resolve);
    worker.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ERR_WORKER_OUT_OF_MEMORY") fail("memory", `the heap of ${HEAP_MB} MB was not enough`);
      else reject(error);
    });
    worker.once("exit", () => {
      clearInterval(look);
      reject(new Error("the worker ended without a report"));
    });
  });
}
