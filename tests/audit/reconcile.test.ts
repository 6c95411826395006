import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { fileAudit } from "../../src/audit/index.ts";
import { CommandLine } from "../cli/support/command.ts";
import { intentEntry, outcomeEntry } from "./support/entries.ts";
import { newFolder, readLines, writeLines } from "./support/folder.ts";

const ARN = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const START = Date.UTC(2026, 10, 30, 12);
const cli = new CommandLine();

/** An event as CloudTrail writes it for Sign: https://docs.aws.amazon.com/kms/latest/developerguide/ct-sign.html. */
function signEvent(requestID: string, seconds: number, more: object = {}) {
  return {
    ...{ eventVersion: "1.08", eventSource: "kms.amazonaws.com", eventName: "Sign", awsRegion: "eu-west-1" },
    userIdentity: {
      type: "AssumedRole",
      arn: "arn:aws:sts::111122223333:assumed-role/payments/i-1",
      accountId: "111122223333",
    },
    eventTime: new Date(START + seconds * 1_000).toISOString().replace(/\.\d+/, ""),
    ...{ sourceIPAddress: "10.0.0.7", userAgent: "aws-sdk-js/3" },
    requestParameters: { keyId: ARN, messageType: "DIGEST", signingAlgorithm: "ECDSA_SHA_256" },
    ...{ responseElements: null, requestID, eventID: `event-${requestID}`, readOnly: true },
    resources: [{ accountId: "111122223333", type: "AWS::KMS::Key", ARN }],
    ...more,
  };
}

/** A log with one request for each item, a minute apart. */
async function writeLog(outcomes: readonly (Record<string, unknown> | undefined)[]): Promise<string> {
  const folder = newFolder();
  const audit = await fileAudit({ folder });
  for (const [index, outcome] of outcomes.entries()) {
    const time = START + index * 60_000;
    const intent = intentEntry({ time });
    await audit.append(intent);
    if (outcome) await audit.append(outcomeEntry(intent, { time: time + 900, ...outcome }));
  }
  await audit.close();
  return folder;
}

async function reconcile(folder: string, events: unknown, ...more: string[]) {
  const file = join(newFolder(), "events.json");
  writeFileSync(file, typeof events === "string" ? events : JSON.stringify(events));
  const { code, stdout } = await cli.run(["audit", "reconcile", folder, "--cloudtrail", file, "--json", ...more]);
  return { code, ...(stdout === "" ? {} : JSON.parse(stdout)) };
}

const covered = [
  signEvent("first", -3_600, { eventName: "ListKeys" }),
  signEvent("last", 36_000, { eventName: "ListKeys" }),
];

describe("audit reconcile", () => {
  test("finds each use of the key in the log, in every form of CloudTrail's records", async () => {
    const folder = await writeLog([
      { requestIds: ["r0"], attempts: 1 },
      { requestIds: ["r1"], attempts: 1 },
    ]);
    const events = [...covered, signEvent("r0", 0), signEvent("r1", 60), signEvent("r1", 60)];
    const forms: unknown[] = [
      { Records: events },
      events,
      { Events: events.map((event) => ({ EventName: "Sign", CloudTrailEvent: JSON.stringify(event) })) },
      events.map((event) => JSON.stringify(event)).join("\n"),
    ];
    for (const form of forms) {
      const empty = { explained: [], foreign: [], unknown: [], unchecked: 0 };
      expect(await reconcile(folder, form)).toMatchObject({ code: 0, ok: true, matched: 2, ...empty });
    }
  });

  test("names a use of the key that went around the library", async () => {
    const folder = await writeLog([{ requestIds: ["r0"], attempts: 1 }]);
    const events = [
      ...covered,
      signEvent("r0", 0),
      signEvent("foreign", 1),
      signEvent("refused", 2, { errorCode: "AccessDenied" }),
    ];
    const found = await reconcile(folder, events);
    expect(found).toMatchObject({ code: 1, ok: false, matched: 1, unknown: [] });
    expect(found.foreign).toEqual([
      expect.objectContaining({
        requestId: "foreign",
        keyArn: ARN,
        principal: expect.stringContaining("payments"),
        sourceIp: "10.0.0.7",
      }),
    ]);
    expect(await reconcile(folder, events, "--arn", `${ARN}0`)).toMatchObject({ matched: 0, foreign: [] });
    const { stdout } = await cli.run(["audit", "reconcile", folder, "--cloudtrail", "-"], {
      input: JSON.stringify(events),
    });
    expect(stdout).toMatch(/NOT IN THE LOG: 2026-11-30T12:00:01.000Z request foreign/);
  });

  test("names a signature of the log that AWS does not know", async () => {
    const folder = await writeLog([
      { requestIds: ["r0"], attempts: 1 },
      { requestIds: ["forged"], attempts: 1 },
    ]);
    const found = await reconcile(folder, [...covered, signEvent("r0", 0)]);
    expect(found).toMatchObject({ code: 1, matched: 1, foreign: [] });
    expect(found.unknown).toEqual([expect.objectContaining({ line: 4, requestIds: ["forged"] })]);
    expect(await reconcile(folder, [signEvent("r0", 0)])).toMatchObject({ code: 0, matched: 1, unchecked: 1 });
  });

  test("tells a retry whose response was lost from a foreign use, once for each", async () => {
    const folder = await writeLog([{ requestIds: ["r0"], attempts: 2 }]);
    const retried = [...covered, signEvent("lost", 0), signEvent("r0", 1)];
    const found = await reconcile(folder, retried);
    expect(found).toMatchObject({ code: 0, matched: 1, foreign: [] });
    expect(found.explained).toEqual([
      { sign: expect.objectContaining({ requestId: "lost" }), by: expect.objectContaining({ line: 2 }) },
    ]);
    expect(await reconcile(folder, [...retried, signEvent("foreign", 1)])).toMatchObject({
      code: 1,
      foreign: [{ requestId: "foreign" }],
    });
    expect(await reconcile(folder, [...covered, signEvent("r0", 1), signEvent("late", 30)])).toMatchObject({
      code: 1,
      explained: [],
    });
  });

  test("a use may be that of an intent whose process was killed", async () => {
    const folder = await writeLog([undefined]);
    expect(await reconcile(folder, [...covered, signEvent("killed", 20)])).toMatchObject({
      code: 0,
      explained: [{}],
      foreign: [],
    });
  });

  test("a changed log fails, whatever CloudTrail says", async () => {
    const folder = await writeLog([{ requestIds: ["r0"], attempts: 1 }]);
    const [file] = (await fileNames(folder)) as [string];
    writeLines(folder, file, readLines(folder, file).toSpliced(1, 1));
    expect(await reconcile(folder, [...covered, signEvent("r0", 0)])).toMatchObject({
      code: 1,
      faults: [{ file, line: 2 }],
    });
  });

  test.each(["", "no JSON", "[]", "{}", '[{"eventName":"Sign"}]'])("refuses %j as events", async (events) => {
    expect((await reconcile(await writeLog([]), events)).code).toBe(2);
  });
});

async function fileNames(folder: string): Promise<string[]> {
  const { stdout } = await cli.run(["audit", "verify", folder, "--json"]);
  return JSON.parse(stdout).files.map(({ name }: { name: string }) => name);
}

describe("audit verify and show", () => {
  test("say what is in the log, and what was perhaps signed", async () => {
    const folder = await writeLog([
      { requestIds: ["r0"], attempts: 1 },
      undefined,
      { result: "refused", code: "ACCESS_DENIED" },
    ]);
    const verified = await cli.run(["audit", "verify", folder]);
    expect(verified).toMatchObject({ code: 0, stderr: "" });
    expect(verified.stdout).toMatch(
      /\.jsonl: 7 lines, closed\nperhaps signed: \S+ line 4, an intent without an outcome, message /,
    );
    const shown = await cli.run(["audit", "show", folder]);
    expect(shown.stdout.split("\n")).toHaveLength(6);
    expect(shown.stdout).toMatch(/12:02:00.900Z {2}outcome {2}[\da-f]{8} {2}refused \(ACCESS_DENIED\)/);
    const { entries } = await cli.json(["audit", "show", folder]);
    expect(entries).toHaveLength(7);
  });

  test("a fault ends with 1 and names file and line", async () => {
    const folder = await writeLog([{ requestIds: [] }]);
    const [file] = (await fileNames(folder)) as [string];
    const lines = readLines(folder, file);
    writeLines(folder, file, lines.with(1, (lines[1] as string).replace("message", "massage")));
    const { code, stdout } = await cli.run(["audit", "verify", folder]);
    expect([code, stdout]).toEqual([
      1,
      expect.stringContaining(`FAULT: ${file} line 2 was changed: line 3 has another hash of it`),
    ]);
    expect(readFileSync(join(folder, file), "utf8")).toContain("massage");
  });

  test.each<[name: string, args: string[], message: RegExp]>([
    ["no action", [], /the action is missing/],
    ["no folder", ["verify"], /FOLDER is missing/],
    ["another action", ["check", "/nowhere"], /must be one of verify, show, reconcile/],
    ["too much", ["verify", "/nowhere", "more"], /only the action and FOLDER are expected/],
    ["a folder that is missing", ["verify", "/nowhere"], /cannot be read: ENOENT/],
    ["no events", ["reconcile", "/nowhere"], /--cloudtrail is missing/],
    ["a key that is not one", ["verify", "/tmp", "--key", "-"], /--key must name an Ed25519 public key/],
  ])("%s is a usage error", async (_name, args, message) => {
    const { code, stderr } = await cli.run(["audit", ...args]);
    expect([code, stderr]).toEqual([2, expect.stringMatching(message)]);
  });
});
