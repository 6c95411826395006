import { getEventListeners } from "node:events";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { memoryInUse } from "../support/memory.ts";
import type { Shim } from "../support/pkcs11-shim/shim.ts";

/** What is in use after everything was answered and collected. */
export interface Sample {
  readonly heapKiB: number;
  readonly rssMiB: number;
  /** Resident memory of the isolated library's process. */
  readonly libraryRssMiB: number;
  readonly sessions: number;
  readonly sockets: number;
  readonly descriptors: number;
  /** What else keeps the event loop alive: timers, pipes, processes. */
  readonly resources: number;
  /** On a signal that every call was given. */
  readonly listeners: number;
}

/**
 * How much the median of the last quarter may exceed that of the first, after the warm-up. Idle connections are kept for
 * later, up to 50 of each client, and their number after a round is chance. Resident memory holds what allocators keep.
 */
const BOUNDS: Readonly<Record<keyof Sample, number>> = {
  heapKiB: 8 * 1024,
  rssMiB: 96,
  libraryRssMiB: 32,
  sessions: 20,
  sockets: 60,
  descriptors: 80,
  resources: 4,
  listeners: 0,
};

/** With fewer, the first and the last that are compared would be the same. */
const MIN_SAMPLES = 4;

const MIB = 1024 * 1024;

export async function takeSample(shims: readonly Shim[], lasting: AbortSignal): Promise<Sample> {
  const stats = shims.map((shim) => shim.stats());
  const others = [...new Set(stats.flatMap(({ processes }) => processes))].filter((pid) => pid !== process.pid);
  const open = descriptors();
  const resources = process.getActiveResourcesInfo().filter((name) => name !== "TCPSocketWrap");
  return {
    heapKiB: Math.round((await memoryInUse()) / 1024),
    rssMiB: Math.round(process.memoryUsage.rss() / MIB),
    libraryRssMiB: others.reduce((sum, pid) => sum + residentMiB(pid), 0),
    sessions: stats.reduce((sum, { sessions }) => sum + sessions, 0),
    sockets: open.filter((target) => target.startsWith("socket:")).length,
    descriptors: open.length,
    resources: resources.length,
    listeners: getEventListeners(lasting, "abort").length,
  };
}

export interface Growth {
  readonly what: string;
  readonly first: number;
  readonly last: number;
  readonly growth: number;
  readonly bound: number;
}

/**
 * The first quarter of the samples, and two at least, is warm-up; of the rest, the first quarter is compared with the last.
 * Undefined where there are too few samples for that.
 */
export function growthOf(samples: readonly Sample[]): Growth[] | undefined {
  if (samples.length < MIN_SAMPLES) return undefined;
  const settled = samples.slice(Math.max(2, Math.ceil(samples.length / 4)));
  const edge = Math.max(1, Math.floor(settled.length / 4));
  return Object.entries(BOUNDS).map(([name, bound]) => {
    const what = name as keyof Sample;
    const first = median(settled.slice(0, edge).map((sample) => sample[what]));
    const last = median(settled.slice(-edge).map((sample) => sample[what]));
    return { what, first, last, growth: last - first, bound };
  });
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

/** Only Linux tells; elsewhere nothing is measured of these two. */
function descriptors(): string[] {
  if (process.platform !== "linux") return [];
  return readdirSync("/proc/self/fd").map((name) => {
    try {
      return readlinkSync(`/proc/self/fd/${name}`);
    } catch {
      // The one by which the folder was read.
      return "";
    }
  });
}

function residentMiB(pid: number): number {
  if (process.platform !== "linux") return 0;
  try {
    const [, kiB = "0"] = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
    return Math.round(Number(kiB) / 1024);
  } catch {
    // It ended meanwhile.
    return 0;
  }
}
