import { generateKeyPairSync } from "node:crypto";
import { readdirSync } from "node:fs";
import { beforeAll, describe, expect, test } from "@jest/globals";
import { ed25519Checkpoints, fileAudit, verifyAudit } from "../../src/audit/index.ts";
import { cases } from "../support/cases.ts";
import { intentEntry, outcomeEntry } from "./support/entries.ts";
import { newFolder, readLines, writeLines } from "./support/folder.ts";

const { publicKey, privateKey } = generateKeyPairSync("ed25519");
const other = generateKeyPairSync("ed25519");
const LINES = 1_000;

let lines: string[];
let file: string;
let checkpoints: string[];
const folder = newFolder();

beforeAll(async () => {
  checkpoints = [];
  const audit = await fileAudit({
    ...{ folder, durability: "none", checkpointEvery: 100 },
    sign: ed25519Checkpoints("auditor", privateKey),
    onCheckpoint: (note) => checkpoints.push(note),
  });
  file = audit.file;
  // One by one, so that a checkpoint follows each hundredth.
  for (let index = 0; index < 494; index += 1) {
    const intent = intentEntry();
    await audit.append(intent);
    await audit.append(outcomeEntry(intent));
  }
  await audit.close();
  lines = readLines(folder, file);
  const written = readdirSync(folder);
  expect([written, lines.length, checkpoints.length]).toEqual([[file], LINES - 1, 10]);
});

const CASES = cases(LINES - 1, 8);
const positions = Array.from({ length: CASES }, (_, index) =>
  Math.min(LINES - 1, 1 + Math.round((index * (LINES - 2)) / (CASES - 1))),
);

/** The first fault of the log with other lines. */
async function faultOf(changed: readonly string[], withCheckpoint = false): Promise<[file: string, line: number]> {
  const place = newFolder();
  writeLines(place, file, changed);
  const { faults } = await verifyAudit(place, { publicKey, checkpoints: withCheckpoint ? checkpoints.slice(-1) : [] });
  const [first] = faults;
  return [first?.file ?? "none", first?.line ?? 0];
}

/** The lines with those from `line` on, `count` of them, replaced. */
function replace(line: number, count: number, ...by: string[]): string[] {
  return lines.toSpliced(line - 1, count, ...by);
}

function at(line: number): string {
  return lines[line - 1] as string;
}

describe("a log of 1,000 lines", () => {
  test("is as it was written", async () => {
    const report = await verifyAudit(folder, { publicKey, checkpoints });
    expect(report).toMatchObject({
      faults: [],
      unfinished: [],
      files: [{ name: file, isClosed: true, signed: LINES - 2 }],
    });
    expect(report.files[0]?.lines).toHaveLength(LINES - 1);
  });

  test("names the line of which a bit is flipped", async () => {
    for (const line of positions) {
      const bytes = Buffer.from(at(line), "latin1");
      const place = Math.floor(Math.random() * bytes.length);
      bytes[place] = (bytes[place] as number) ^ (1 << Math.floor(Math.random() * 8));
      const found = await faultOf(replace(line, 1, bytes.toString("latin1")));
      expect([line, place, ...found]).toEqual([line, place, file, line]);
    }
  });

  test("names the line that was dropped", async () => {
    // No checkpoint covers the last one itself.
    for (const line of positions.slice(0, -1)) expect(await faultOf(replace(line, 1), true)).toEqual([file, line]);
  });

  test("names the first of two lines that were swapped", async () => {
    for (const line of positions.slice(0, -1)) {
      expect(await faultOf(replace(line, 2, at(line + 1), at(line)))).toEqual([file, line]);
    }
  });

  test("names the line that was cut", async () => {
    for (const line of positions) {
      const half = at(line).slice(0, at(line).length >> 1);
      expect(await faultOf(replace(line, 1, half))).toEqual([file, line]);
      expect(await faultOf(replace(line, 1, `${half}\n`))).toEqual([file, line]);
    }
  });

  test("names the copy of a line", async () => {
    for (const line of positions) expect(await faultOf(replace(line, 0, at(line)))).toEqual([file, line + 1]);
  });

  test("names the first of the lines that are missing at the end, by a checkpoint kept elsewhere", async () => {
    for (const line of positions.slice(0, -2))
      expect(await faultOf(lines.slice(0, line), true)).toEqual([file, line + 1]);
  });
});

describe("what a chain alone does not show", () => {
  test("an end that was cut off is not closed", async () => {
    const place = newFolder();
    writeLines(place, file, lines.slice(0, 500));
    expect(await verifyAudit(place)).toMatchObject({ faults: [], files: [{ isClosed: false }] });
  });

  test("a log that another key signed, or no key", async () => {
    const signed = await verifyAudit(folder, { publicKey: other.publicKey });
    expect(signed.faults).toEqual([{ file, line: 102, fault: "is a checkpoint that is not by the key" }]);
    const unsigned = checkpoints.at(-1)?.replace(/— .*\n/, "") ?? "";
    const kept = await verifyAudit(folder, { publicKey, checkpoints: [unsigned, "no checkpoint"] });
    expect(kept.faults.map(({ fault }) => fault)).toEqual([
      "a checkpoint kept elsewhere is not by the key",
      "a checkpoint kept elsewhere is not a checkpoint",
    ]);
  });

  test("a rewritten log shows against a checkpoint kept elsewhere", async () => {
    const place = newFolder();
    const audit = await fileAudit({ folder: place });
    await audit.append(intentEntry());
    await audit.close();
    const rewritten = readLines(place, audit.file).map((line) => line.replaceAll(audit.file, file));
    writeLines(place, file, rewritten);
    const { faults } = await verifyAudit(place, { checkpoints });
    expect(faults).toContainEqual(expect.objectContaining({ file }));
  });
});
