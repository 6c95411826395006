/** A use of a key that CloudTrail recorded: a successful Sign of KMS. */
export interface CloudTrailSign {
  /** KMS's identifier of the request. */
  readonly requestId: string;
  /** Milliseconds since 1970; CloudTrail writes whole seconds. */
  readonly time: number;
  readonly keyArn: string;
  /** The ARN of the caller. */
  readonly principal: string;
  readonly sourceIp: string;
}

export interface CloudTrailRecords {
  /** In the order of their time. */
  readonly signs: readonly CloudTrailSign[];
  /** The time of the first and the last event of any kind: what the records cover. */
  readonly from: number;
  readonly to: number;
}

type Json = Readonly<Record<string, unknown>>;

/**
 * Reads CloudTrail's records: a log file's `{ "Records": [...] }`, the output of `aws cloudtrail lookup-events`, an array of events, or one event
 * a line. Calls that KMS refused, DryRun included, have an errorCode and are left out; an event that is there twice counts once.
 *
 * https://docs.aws.amazon.com/kms/latest/developerguide/ct-sign.html
 *
 * @throws SyntaxError if it is not JSON of one of these forms, or has no event.
 */
export function readCloudTrail(text: string): CloudTrailRecords {
  const events = readEvents(text).map(unwrap);
  const times = events.map(({ eventTime }) => Date.parse(String(eventTime)));
  if (events.length === 0 || times.some(Number.isNaN)) throw new SyntaxError("it has no events of CloudTrail");
  const signs = new Map<string, CloudTrailSign>();
  for (const event of events) {
    const { eventSource, eventName, errorCode, requestID, eventTime } = event;
    if (eventSource !== "kms.amazonaws.com" || eventName !== "Sign" || errorCode !== undefined) continue;
    const requestId = String(requestID);
    const { arn = "", invokedBy = "" } = object(event["userIdentity"]);
    const [resource] = Array.isArray(event["resources"]) ? event["resources"] : [];
    const keyArn = String(object(resource)["ARN"] ?? object(event["requestParameters"])["keyId"] ?? "");
    const [principal, sourceIp] = [String(arn || invokedBy), String(event["sourceIPAddress"] ?? "")];
    signs.set(requestId, { requestId, time: Date.parse(String(eventTime)), keyArn, principal, sourceIp });
  }
  const sorted = [...signs.values()].sort((a, b) => a.time - b.time);
  return { signs: sorted, from: times.reduce((a, b) => Math.min(a, b)), to: times.reduce((a, b) => Math.max(a, b)) };
}

function readEvents(text: string): readonly unknown[] {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    const lines = text.split("\n").filter((line) => line.trim() !== "");
    return lines.map((line) => JSON.parse(line) as unknown);
  }
  if (Array.isArray(document)) return document;
  const { Records, Events } = object(document);
  if (Array.isArray(Records)) return Records;
  return Array.isArray(Events) ? Events : [document];
}

/** `lookup-events` has each event as text. */
function unwrap(event: unknown): Json {
  const { CloudTrailEvent } = object(event);
  return typeof CloudTrailEvent === "string" ? object(JSON.parse(CloudTrailEvent)) : object(event);
}

function object(value: unknown): Json {
  return typeof value === "object" && value !== null ? (value as Json) : {};
}
