import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { describe, expect, jest, test } from "@jest/globals";
import { fileAudit, verifyAudit } from "../../src/audit/index.ts";
import { onSmallDisk } from "../faults/small-disk.ts";
import type { Summary } from "./programs/signing.ts";
import { newFolder } from "./support/folder.ts";

jest.setTimeout(180_000);

const PROGRAM = fileURLToPath(new URL("programs/signing.ts", import.meta.url));
const SHIM = fileURLToPath(new URL("support/failing-fsync.c", import.meta.url));

function start(folder: string, scene: string, disk: readonly string[] = [], env: NodeJS.ProcessEnv = {}) {
  const [command = "", ...rest] = [...disk, process.execPath, "--import", "tsx", PROGRAM, folder, scene];
  return spawn(command, rest, { stdio: ["ignore", "pipe", "inherit"], env: { ...process.env, ...env } });
}

async function play(...parameters: Parameters<typeof start>): Promise<Summary> {
  const child = start(...parameters);
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, "close")]);
  expect(code).toBe(0);
  return JSON.parse(output) as Summary;
}

describe("a log on a disk that fails", () => {
  const mayMount = onSmallDisk(tmpdir()) !== undefined;
  // Containers often forbid to mount.
  const onDisk = mayMount ? test : test.skip;

  onDisk("a full disk: nothing is signed without its intent, also when there is room again", async () => {
    const folder = newFolder();
    const summary = await play(folder, "full", onSmallDisk(folder));
    expect(summary.failures).toEqual({ AUDIT_FAILED: expect.any(Number) });
    expect(summary.signed + (summary.failures["AUDIT_FAILED"] ?? 0)).toBe(30);
    expect(summary.failures["AUDIT_FAILED"]).toBeGreaterThanOrEqual(10);
    expect(summary.asked).toBeLessThanOrEqual(summary.intents);
    expect([summary.signed, summary.faults]).toEqual([summary.asked, []]);
  });

  onDisk("a disk that is read-only: the log is not begun", async () => {
    const folder = newFolder();
    expect(await play(folder, "read-only", onSmallDisk(folder))).toMatchObject({
      asked: 0,
      failures: { AUDIT_FAILED: 1 },
    });
  });

  test("an fsync that fails once: the log takes nothing more, although the next fsync succeeds", async () => {
    const work = newFolder();
    const library = join(work, "failing-fsync.so");
    execFileSync("cc", ["-shared", "-fPIC", "-o", library, SHIM, "-ldl"]);
    const env = { LD_PRELOAD: library, FAIL_FSYNC_ONCE: join(work, "fail") };
    const summary = await play(newFolder(), "fsync", [], env);
    expect(summary).toMatchObject({ signed: 10, asked: 10, failures: { AUDIT_FAILED: 20 }, faults: [] });
  });
});

test("kill -9 between intent and outcome: the intent is there, and is called perhaps signed", async () => {
  const folder = newFolder();
  const child = start(folder, "kill");
  await once(createInterface(child.stdout), "line");
  child.kill("SIGKILL");
  await once(child, "close");
  const report = await verifyAudit(folder);
  expect(report).toMatchObject({ faults: [], files: [{ isClosed: false }] });
  expect(report.unfinished).toMatchObject([{ event: "intent", request: { kind: "message" } }]);
  // The next start names what the killed process left.
  await (await fileAudit({ folder })).close();
  expect((await verifyAudit(folder)).faults).toEqual([]);
});
