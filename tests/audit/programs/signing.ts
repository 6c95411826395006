// A process that signs with a log in the folder of its first argument, on a disk that fails in the way of its second one. It writes a Summary.

import { execFileSync } from "node:child_process";
import { unlinkSync, writeFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { fileAudit, verifyAudit } from "../../../src/audit/index.ts";
import { isSignerError } from "../../../src/core/errors.ts";
import { RemoteSigner } from "../../../src/signer/remote-signer.ts";
import { fillDisk } from "../../faults/small-disk.ts";
import { MemoryKey } from "../../support/memory-key.ts";

export interface Summary {
  /** How often the key was asked. */
  readonly asked: number;
  /** How many signatures were returned. */
  readonly signed: number;
  /** What the other calls failed with. */
  readonly failures: Readonly<Record<string, number>>;
  /** What the log says afterwards. */
  readonly intents: number;
  readonly faults: readonly unknown[];
  readonly torn: boolean;
}

const [folder = "", scene = ""] = process.argv.slice(2);
const key = new MemoryKey(`0x${"11".repeat(32)}`);
const failures: Record<string, number> = {};
let signed = 0;

/** A round of parallel calls. */
async function round(signer: RemoteSigner, count: number): Promise<void> {
  const outcomes = await Promise.allSettled(Array.from({ length: count }, () => signer.signMessage("hello")));
  for (const outcome of outcomes) {
    if (outcome.status === "fulfilled") signed += 1;
    else {
      const code = isSignerError(outcome.reason) ? outcome.reason.code : String(outcome.reason);
      failures[code] = (failures[code] ?? 0) + 1;
    }
  }
}

/** Makes the next fsync fail, once: tests/audit/support/failing-fsync.c. */
function failNextSync(): void {
  writeFileSync(process.env["FAIL_FSYNC_ONCE"] ?? "", "");
}

if (scene === "read-only") execFileSync("mount", ["-o", "remount,ro", folder]);
try {
  const signer = new RemoteSigner(key, null, { audit: await fileAudit({ folder }) });
  await round(signer, 10);
  if (scene === "kill") {
    // In the middle of a signature: after its intent, before its outcome.
    key.signDigest = async () => {
      process.stdout.write("asked\n");
      await setTimeout(60_000);
      throw new Error("it was not killed");
    };
    await signer.signMessage("hello");
  }
  const filler = scene === "full" ? fillDisk(folder) : undefined;
  if (scene === "fsync") failNextSync();
  await round(signer, 10);
  // The disk has room again, and fsync succeeds: what was lost is lost.
  if (filler !== undefined) unlinkSync(filler);
  await round(signer, 10);
} catch (error) {
  failures[isSignerError(error) ? error.code : String(error)] = 1;
}
// The next process's start.
if (scene !== "read-only") await (await fileAudit({ folder })).close();
const { files, faults } = await verifyAudit(folder);
const intents = files.flatMap(({ lines }) => lines).filter(({ event }) => event === "intent").length;
const torn = files.some(({ name }) => name.endsWith(".torn"));
const summary: Summary = { asked: key.signatures, signed, failures, intents, faults, torn };
process.stdout.write(JSON.stringify(summary));
