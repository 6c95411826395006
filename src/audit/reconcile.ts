import type { CloudTrailRecords, CloudTrailSign } from "./cloudtrail.ts";
import type { AuditLine, AuditReport } from "./verify.ts";

/** What a log says of one request to sign. */
export interface AuditedSign {
  readonly file: string;
  /** The number of the intent's line. */
  readonly line: number;
  /** The intent's. */
  readonly id: string;
  readonly keyId: string;
  readonly digest: string;
  /** When the intent was recorded, and when the outcome was; milliseconds since 1970. Without an outcome `ended` is undefined. */
  readonly began: number;
  readonly ended: number | undefined;
  readonly result: "ok" | "refused" | "unknown";
  /** The backend's identifiers of its responses. */
  readonly requestIds: readonly string[];
  /** How many requests had no response that was read: the backend may have signed for each. */
  readonly lost: number;
}

export interface Reconciliation {
  /** How many uses of the key are in both. */
  readonly matched: number;
  /** Uses whose request is not in the log, which lost responses of the log explain: as likely as not a retry of the SDK. */
  readonly explained: readonly { readonly sign: CloudTrailSign; readonly by: AuditedSign }[];
  /** Uses of the key that the log does not know: around the library, or by a process without the log. */
  readonly foreign: readonly CloudTrailSign[];
  /** Signatures in the log, within the time that CloudTrail's records cover, whose requests AWS does not know. */
  readonly unknown: readonly AuditedSign[];
  /** Signatures in the log outside of that time, or without a request id: nothing can be said of them. */
  readonly unchecked: number;
}

/** CloudTrail cuts off fractions of a second, and clocks differ. Milliseconds. */
const CLOCK_DIFFERENCE = 5_000;
/** How long a process that was killed may have waited for its key. Milliseconds. */
const LONGEST_CALL = 60_000;

/**
 * Compares a log with CloudTrail's records, in both directions. CloudTrail has neither digests nor signatures: a request's id is what both know.
 *
 * @param keys ARNs of KMS keys: only their uses count. Default: those of every key in the records.
 */
export function reconcileCloudTrail(
  { files }: AuditReport,
  records: CloudTrailRecords,
  keys: readonly string[] = [],
): Reconciliation {
  const ours = files.flatMap(({ name, lines }) => lines.map((line) => ({ ...line, file: name })));
  const signs = pair(ours);
  const uses = records.signs.filter(({ keyArn }) => keys.length === 0 || keys.includes(keyArn));
  const known = new Set(signs.flatMap(({ requestIds }) => requestIds));
  const recorded = new Set(uses.map(({ requestId }) => requestId));
  const lost = new Map(signs.map((sign) => [sign, sign.lost]));
  const explained: { sign: CloudTrailSign; by: AuditedSign }[] = [];
  const foreign: CloudTrailSign[] = [];
  for (const use of uses.filter(({ requestId }) => !known.has(requestId))) {
    const by = signs.find((sign) => (lost.get(sign) ?? 0) > 0 && couldBe(use, sign));
    if (by) {
      lost.set(by, (lost.get(by) ?? 0) - 1);
      explained.push({ sign: use, by });
    } else foreign.push(use);
  }
  const made = signs.filter(({ result }) => result === "ok");
  const checked = made.filter(
    ({ began, requestIds }) => requestIds.length > 0 && began >= records.from && began <= records.to,
  );
  const unknown = checked.filter(({ requestIds }) => !requestIds.some((id) => recorded.has(id)));
  const matched = uses.filter(({ requestId }) => known.has(requestId)).length;
  return { matched, explained, foreign, unknown, unchecked: made.length - checked.length };
}

function couldBe(
  { time, keyArn }: CloudTrailSign,
  { began, ended = began + LONGEST_CALL, keyId }: AuditedSign,
): boolean {
  // An alias may name any key.
  const isOtherKey = keyId.startsWith("arn:") && keyId.includes(":key/") && keyId !== keyArn;
  return !isOtherKey && time >= began - CLOCK_DIFFERENCE && time <= ended + CLOCK_DIFFERENCE;
}

type Entry = AuditLine & { readonly file: string };

/** The requests to KMS keys, with their outcomes. */
function pair(entries: readonly Entry[]): readonly AuditedSign[] {
  const outcomes = new Map(entries.flatMap((entry) => (entry.event === "outcome" ? [[entry["id"], entry]] : [])));
  const intents = entries.filter(({ event, backend }) => event === "intent" && backend === "aws-kms");
  return intents.map((intent) => {
    const { file, seq: line, id, keyId, time, request } = intent;
    const outcome = outcomes.get(id);
    const requestIds = (outcome?.["requestIds"] ?? []) as readonly string[];
    const result = (outcome?.["result"] ?? "unknown") as AuditedSign["result"];
    const lost = Number(outcome?.["attempts"] ?? 0) - requestIds.length;
    return {
      ...{ file, line, id: String(id), keyId: String(keyId) },
      digest: String((request as { digest?: unknown } | undefined)?.digest),
      began: Date.parse(String(time)),
      ended: outcome && Date.parse(String(outcome["time"])),
      result,
      requestIds,
      // A deadline ends the call before its last request is reported.
      lost: Math.max(result === "unknown" ? 1 : 0, lost),
    };
  });
}
