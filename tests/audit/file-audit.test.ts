import {
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { fileAudit, verifyAudit } from "../../src/audit/index.ts";
import type { SignRequest } from "../../src/signer/sign-request.ts";
import { denialEntry, intentEntry, outcomeEntry } from "./support/entries.ts";
import { newFolder, readEntries, readLines } from "./support/folder.ts";

describe("a log file", () => {
  test("holds what was appended, in order, and is readable by its owner alone", async () => {
    const folder = newFolder();
    const audit = await fileAudit({ folder });
    const intents = Array.from({ length: 50 }, () => intentEntry());
    await Promise.all(intents.map((intent) => audit.append(intent)));
    await Promise.all(intents.map((intent) => audit.append(outcomeEntry(intent))));
    await audit.close();
    const entries = readEntries(folder);
    expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, index) => index + 1));
    expect(entries.filter(({ event }) => event === "intent").map(({ id }) => id)).toEqual(intents.map(({ id }) => id));
    expect(entries[0]).toMatchObject({ event: "start", pid: process.pid, follows: [] });
    expect(entries.at(-1)).toMatchObject({ event: "checkpoint" });
    expect(statSync(join(folder, audit.file)).mode & 0o777).toBe(0o600);
    expect(await verifyAudit(folder)).toMatchObject({ faults: [], unfinished: [] });
  });

  test("refuses entries after close, which is idempotent", async () => {
    const audit = await fileAudit({ folder: newFolder() });
    await Promise.all([audit.append(intentEntry()), audit.close(), audit.close()]);
    await expect(audit.append(intentEntry())).rejects.toMatchObject({ code: "SIGNER_CLOSED" });
  });

  test("is followed by the next one at its largest size, and both verify", async () => {
    const folder = newFolder();
    const audit = await fileAudit({ folder, maxFileSize: 2_000 });
    for (let index = 0; index < 20; index += 1) await audit.append(intentEntry());
    await audit.close();
    const report = await verifyAudit(folder);
    expect(report.files.length).toBeGreaterThan(3);
    expect([report.faults, report.files.every(({ isClosed }) => isClosed)]).toEqual([[], true]);
    expect(report.unfinished).toHaveLength(20);
    const [first, second] = report.files.map(({ name }) => name);
    rmSync(join(folder, String(first)));
    const { faults } = await verifyAudit(folder);
    expect(faults).toEqual([
      { file: first, line: expect.any(Number), fault: `the file is missing: ${second} names it` },
    ]);
  });

  test("has denials up to a number each minute, and counts the others", async () => {
    const folder = newFolder();
    const audit = await fileAudit({ folder, denialsPerMinute: 3 });
    for (let index = 0; index < 10; index += 1) await audit.append(denialEntry());
    await audit.append(intentEntry());
    await audit.close();
    const entries = readEntries(folder);
    const count = (event: string) => entries.filter((entry) => entry["event"] === event).length;
    expect([count("denial"), count("intent")]).toEqual([3, 1]);
    expect(entries.at(-2)).toMatchObject({ event: "suppressed", count: 7, since: expect.stringMatching(/Z$/) });
  });
});

describe("what is kept of a request", () => {
  const data = `0xa9059cbb${"00".repeat(64)}`;
  const request: SignRequest = {
    ...{
      kind: "transaction" as const,
      account: `0x${"11".repeat(20)}`,
      digest: `0x${"22".repeat(32)}`,
      time: 1,
      unsigned: "0x02c0",
    },
    ...{ type: 2, chainId: 1n, nonce: 7, to: `0x${"33".repeat(20)}`, value: 2n ** 70n, data, gasLimit: 21_000n },
    ...{ maxCost: 2n ** 71n, blobs: 0, delegations: [] },
  };

  test.each([
    ["digest", ["kind", "account", "digest"]],
    ["summary", ["type", "chainId", "nonce", "to", "value", "maxCost", "selector", "dataBytes", "delegations"]],
    ["full", ["unsigned", "data", "gasLimit"]],
  ] as const)("%s", async (content, fields) => {
    const folder = newFolder();
    const audit = await fileAudit({ folder, content });
    await audit.append(intentEntry({ request }));
    await audit.close();
    const stored = readEntries(folder)[1]?.["request"] as Record<string, unknown>;
    expect(Object.keys(stored)).toEqual(expect.arrayContaining([...fields]));
    expect("data" in stored).toBe(content === "full");
    expect("value" in stored).toBe(content !== "digest");
    if (content !== "digest") expect(stored["value"]).toBe((2n ** 70n).toString());
  });
});

describe("older files of the folder", () => {
  test("are named by the next file's first line, once", async () => {
    const folder = newFolder();
    const [one, two] = [await fileAudit({ folder }), await fileAudit({ folder })];
    await Promise.all([one, two].map(async (audit) => audit.append(intentEntry())));
    await Promise.all([one.close(), two.close()]);
    const three = await fileAudit({ folder });
    await three.close();
    const four = await fileAudit({ folder });
    await four.close();
    const follows = (file: string) =>
      JSON.parse(readLines(folder, file)[0] as string).follows as { file: string; seq: number }[];
    expect(
      follows(three.file)
        .map(({ file, seq }) => [file, seq])
        .sort(),
    ).toEqual(
      [
        [one.file, 3],
        [two.file, 3],
      ].sort(),
    );
    expect(follows(four.file).map(({ file }) => file)).toEqual([three.file]);
    expect((await verifyAudit(folder)).faults).toEqual([]);
    truncateSync(join(folder, one.file), readLines(folder, one.file).slice(0, 2).join("").length);
    expect((await verifyAudit(folder)).faults).toEqual([
      { file: one.file, line: 3, fault: `is missing, with all lines up to 3 at least, which ${three.file} names` },
    ]);
  });

  test("with a torn last line are kept, and their last good line is named", async () => {
    const folder = newFolder();
    const audit = await fileAudit({ folder });
    await audit.append(intentEntry());
    await audit.close();
    const path = join(folder, audit.file);
    writeFileSync(path, '{"seq":4,"prev":"0', { flag: "a" });
    const content = readFileSync(path);
    const next = await fileAudit({ folder });
    await next.close();
    expect(readFileSync(`${path}.torn`)).toEqual(content);
    expect(existsSync(path)).toBe(false);
    expect(JSON.parse(readLines(folder, next.file)[0] as string).follows).toEqual([
      { file: `${audit.file}.torn`, seq: 3, hash: expect.stringMatching(/^[\da-f]{64}$/), torn: 18 },
    ]);
    const report = await verifyAudit(folder);
    expect([report.faults, report.files.map(({ lines }) => lines.length)]).toEqual([[], [3, 2]]);
    renameSync(`${path}.torn`, path);
    expect((await verifyAudit(folder)).faults).toContainEqual({ file: audit.file, line: 4, fault: "is cut off" });
  });

  test("without one whole line, and empty ones, stop nothing", async () => {
    const folder = newFolder();
    writeFileSync(join(folder, "2026-01-01T00-00-00.000Z-1-00000000.jsonl"), "\0".repeat(4_096));
    writeFileSync(join(folder, "2026-01-02T00-00-00.000Z-1-00000000.jsonl"), "");
    const audit = await fileAudit({ folder });
    await audit.close();
    expect(readdirSync(folder)).toContain("2026-01-01T00-00-00.000Z-1-00000000.jsonl.torn");
    expect((await verifyAudit(folder)).faults).toEqual([]);
  });
});

describe("a checkpoint", () => {
  test("that cannot be signed or taken stops nothing, and is reported", async () => {
    const folder = newFolder();
    const failures: unknown[] = [];
    const audit = await fileAudit({
      ...{ folder, checkpointEvery: 1 },
      sign: () => Promise.reject(new Error("no signer")),
      onCheckpoint: () => {
        throw new Error("no taker");
      },
      onFailure: (error) => failures.push(error),
    });
    await audit.append(intentEntry());
    await audit.close();
    expect(failures.map(String)).toEqual(expect.arrayContaining(["Error: no signer", "Error: no taker"]));
    expect((await verifyAudit(folder)).faults).toEqual([]);
  });
});

test("options that cannot be right are refused, and a folder that is missing", async () => {
  const folder = newFolder();
  const wrong: object[] = [
    { durability: "some" },
    { content: "all" },
    { maxFileSize: 0 },
    { name: "two words" },
    { sign: "key" },
  ];
  for (const options of wrong) {
    await expect(fileAudit({ folder, ...options })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  }
  await expect(fileAudit({ folder: join(folder, "missing") })).rejects.toMatchObject({
    ...{ code: "AUDIT_FAILED", retryable: false, message: expect.stringContaining("ENOENT") },
  });
});
