import { createPublicKey, type KeyObject } from "node:crypto";
import { type CloudTrailRecords, readCloudTrail } from "../../audit/cloudtrail.ts";
import { reconcileCloudTrail } from "../../audit/reconcile.ts";
import { type AuditReport, verifyAudit } from "../../audit/verify.ts";
import { describeEntries, describeReconciliation, describeReport } from "../audit-report.ts";
import type { Command } from "../command.ts";
import type { Context } from "../context.ts";
import { CommandError, requireUsage } from "../errors.ts";
import { EXIT } from "../exit-codes.ts";

const ACTIONS = ["verify", "show", "reconcile"] as const;

export const audit: Command = {
  name: "audit",
  argument: "verify|show|reconcile FOLDER",
  summary: "check what was signed: the audit log's chain, and uses of the key around it",
  details: [
    "verify names each changed, missing, repeated or moved line of the log files in FOLDER. What was cut off at the end, or a log",
    "rewritten as a whole, shows only against checkpoints that were kept elsewhere: --checkpoint. show lists the requests and their",
    "outcomes. reconcile compares them with AWS CloudTrail: successful Sign events that the log does not know are uses of the key",
    "around the library. It needs no key and no network. Exit code 1 says that a line, an event or a signature is not as it must be.",
  ],
  options: {
    checkpoint: { type: "string", value: "FILE", help: "a checkpoint that was kept elsewhere; - for stdin" },
    key: {
      type: "string",
      value: "FILE",
      help: "the Ed25519 public key, as PEM, that every checkpoint must be signed by",
    },
    cloudtrail: { type: "string", value: "FILE", help: "reconcile: CloudTrail's events as JSON; - for stdin" },
    arn: {
      type: "string",
      value: "ARN",
      help: "reconcile: only uses of this KMS key; default: of every key in the events",
    },
  },
  examples: [
    "audit verify /var/lib/treasury/audit --key auditor.pem --checkpoint latest.note",
    "audit show /var/lib/treasury/audit --json   # for programs",
    "audit reconcile /var/lib/treasury/audit --cloudtrail events.json",
  ],
  run: async (context) => {
    const [name, folder] = context.requireArguments(["the action", "FOLDER"]);
    const action = ACTIONS.find((each) => each === name);
    requireUsage(action, `the action must be one of ${ACTIONS.join(", ")}`);
    const records = action === "reconcile" ? await readRecords(context) : undefined;
    const report = await readLog(context, folder);
    const isWhole = report.faults.length === 0;
    if (records) {
      const found = reconcileCloudTrail(report, records, [context.text("arn") ?? []].flat());
      const ok = isWhole && found.foreign.length === 0 && found.unknown.length === 0;
      context.result({ ok, faults: report.faults, ...found }, describeReconciliation(report, found));
      return ok ? EXIT.ok : EXIT.failedCheck;
    }
    if (action === "show")
      context.result({ ok: isWhole, entries: report.files.flatMap(({ lines }) => lines) }, describeEntries(report));
    else context.result({ ok: isWhole, ...summarize(report) }, describeReport(report));
    return isWhole ? EXIT.ok : EXIT.failedCheck;
  },
};

async function readLog(context: Context, folder: string): Promise<AuditReport> {
  const [checkpoint, publicKey] = [context.text("checkpoint"), context.text("key")];
  const checkpoints = checkpoint === undefined ? [] : [await context.read(checkpoint, "--checkpoint")];
  const key = publicKey === undefined ? undefined : parseKey(await context.read(publicKey, "--key"));
  try {
    return await verifyAudit(folder, { checkpoints, publicKey: key });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    throw new CommandError("USAGE", `the log files in FOLDER cannot be read: ${code}`);
  }
}

function parseKey(pem: string): KeyObject {
  let key: KeyObject | undefined;
  try {
    key = createPublicKey(pem);
  } catch {
    // Not PEM: the message says what is expected.
  }
  requireUsage(key?.asymmetricKeyType === "ed25519", "--key must name an Ed25519 public key in PEM");
  return key;
}

async function readRecords(context: Context): Promise<CloudTrailRecords> {
  const text = await context.read(context.requireText("cloudtrail"), "--cloudtrail");
  try {
    return readCloudTrail(text);
  } catch {
    throw new CommandError(
      "USAGE",
      "--cloudtrail must name CloudTrail's events as JSON: Records, Events, an array, or one a line",
    );
  }
}

/** Without the lines themselves. */
function summarize({ files, ...report }: AuditReport) {
  return { ...report, files: files.map(({ lines, ...file }) => ({ ...file, lines: lines.length })) };
}
