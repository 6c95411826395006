// Signs a great number of digests, and measures what grows meanwhile.
//
//   npm run endurance [-- --signatures 1000000] [-- --callers 64] [-- --isolated]
//
// After each twentieth nothing is in flight and everything that can be collected was: then are taken the bytes in use on the
// heap and in buffers, the resident memory of this process and of the library's own, the sessions that are open on the token,
// the file descriptors and what keeps the event loop alive. The first four twentieths are warm-up. Of the rest, the median of
// the last four may exceed that of the first four by no more than BOUNDS; else the exit code is 1. A hundredth of the
// signatures is verified independently of the library.

import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { hexlify, recoverAddress } from "ethers";
import { memoryInUse } from "../../support/memory.ts";
import { Scene } from "./scene.ts";

interface Sample {
  readonly signatures: number;
  readonly perSecond: number;
  readonly heapKiB: number;
  readonly rssMiB: number;
  readonly libraryRssMiB: number;
  readonly sessions: number;
  readonly descriptors: number;
  readonly resources: number;
}

type Measured = Exclude<keyof Sample, "signatures" | "perSecond">;

/**
 * Sessions, descriptors and resources may not grow at all. A leak of as little as 4 bytes for each of 800,000 signatures is
 * seen on the heap. Resident memory also holds what the allocators of C keep for themselves: 32 MiB are 40 bytes of them.
 */
const BOUNDS: Readonly<Record<Measured, number>> = {
  heapKiB: 3 * 1024,
  rssMiB: 32,
  libraryRssMiB: 32,
  sessions: 0,
  descriptors: 0,
  resources: 0,
};

const ROUNDS = 20;
const EDGE = 4;
const VERIFIED = 100;
const MIB = 1024 * 1024;

const { values } = parseArgs({
  options: {
    signatures: { type: "string", default: "1000000" },
    callers: { type: "string", default: "64" },
    isolated: { type: "boolean", default: false },
  },
});
const perRound = Math.ceil(Number(values.signatures) / ROUNDS);
const scene = await Scene.open({ isolated: values.isolated, remote: false, timeout: 30_000, seconds: 0, habits: [] });
await scene.untilNormal();
const [signer] = scene.signers;
if (!signer) throw new Error("the scene has no signer");
const address = await signer.getAddress();

const samples: Sample[] = [];
let signed = 0;
for (let round = 1; round <= ROUNDS; round += 1) {
  const begun = performance.now();
  await Promise.all(Array.from({ length: Number(values.callers) }, () => signUntil(round * perRound)));
  samples.push(await sample(perRound / ((performance.now() - begun) / 1000)));
  process.stdout.write(`${JSON.stringify(samples.at(-1))}\n`);
}
await scene.close();
report();

async function signUntil(total: number): Promise<void> {
  while (signed < total) {
    signed += 1;
    const isVerified = signed % VERIFIED === 0;
    const digest = hexlify(randomBytes(32));
    const signature = await signer?.signDigest(digest);
    if (isVerified && (!signature || recoverAddress(digest, signature) !== address))
      throw new Error("a wrong signature");
  }
}

async function sample(perSecond: number): Promise<Sample> {
  const { sessions, processes } = scene.shim.stats();
  const others = processes.filter((pid) => pid !== process.pid);
  return {
    signatures: signed,
    perSecond: Math.round(perSecond),
    heapKiB: Math.round((await memoryInUse()) / 1024),
    rssMiB: Math.round(process.memoryUsage.rss() / MIB),
    libraryRssMiB: others.reduce((sum, pid) => sum + residentMiB(pid), 0),
    sessions,
    descriptors: descriptors(),
    resources: process.getActiveResourcesInfo().length,
  };
}

function report(): void {
  const median = (of: readonly Sample[], name: Measured) =>
    of.map((each) => each[name]).sort((a, b) => a - b)[EDGE / 2] ?? 0;
  const settled = samples.slice(EDGE);
  const rows = Object.entries(BOUNDS).map(([name, bound]) => {
    const first = median(settled.slice(0, EDGE), name as Measured);
    const last = median(settled.slice(-EDGE), name as Measured);
    return { what: name, first, last, growth: last - first, bound, isFlat: last - first <= bound };
  });
  // biome-ignore lint/suspicious/noConsole: the table is what this program is for.
  console.table(rows);
  const isFlat = rows.every((row) => row.isFlat);
  process.stdout.write(`${signed} signatures: ${isFlat ? "nothing grew beyond its bound" : "something grew"}\n`);
  process.exitCode = isFlat ? 0 : 1;
}

/** Only Linux tells; elsewhere nothing is measured of these two. */
function descriptors(): number {
  return process.platform === "linux" ? readdirSync("/proc/self/fd").length : 0;
}

function residentMiB(pid: number): number {
  if (process.platform !== "linux") return 0;
  const [, kiB = "0"] = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Math.round(Number(kiB) / 1024);
}
