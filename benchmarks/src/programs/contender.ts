import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Contender, Contenders, Load, Sample } from "../contender.ts";
import { quantile } from "../statistics.ts";

export type ContenderMessage =
  | { readonly open: { readonly module: string; readonly name: string; readonly config: unknown } }
  | { readonly load: Load };

let contender: Contender | undefined;

/** Opens a contender, or puts a load on it. */
export async function answer(message: ContenderMessage): Promise<Sample | undefined> {
  if ("load" in message) return measure(opened(), message.load);
  const { module, name, config } = message.open;
  const { contenders } = (await import(module)) as { contenders: Contenders<unknown> };
  contender = await contenders[name]?.(config);
  await opened().prove();
  return undefined;
}

function opened(): Contender {
  if (!contender) throw new Error("no contender of that name was opened");
  return contender;
}

async function measure(measured: Contender, { count, inFlight }: Load): Promise<Sample> {
  const latencies: number[] = [];
  let started = 0;
  const signInTurn = async () => {
    while (started < count) {
      started += 1;
      const asked = performance.now();
      await measured.perform();
      latencies.push(performance.now() - asked);
    }
  };
  // Milliseconds between the turns that it looks at.
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const cpuBefore = process.cpuUsage();
  const before = performance.now();
  await Promise.all(Array.from({ length: inFlight }, signInTurn));
  const elapsed = performance.now() - before;
  const { user, system } = process.cpuUsage(cpuBefore);
  delay.disable();
  return {
    p50: quantile(latencies, 0.5),
    p95: quantile(latencies, 0.95),
    cpu: (user + system) / 1_000 / count,
    perSecond: (count / elapsed) * 1_000,
    // Without a single turn it stood still throughout.
    loopDelayP99: delay.count > 0 ? delay.percentile(99) / 1e6 : elapsed,
  };
}
