import type { KeyObject } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { hashLine, NO_LINE, type Position } from "./chain.ts";
import { type Checkpoint, isSignedBy, parseCheckpoint } from "./checkpoint.ts";
import { followsOf, logFiles, nameOf, parseLine } from "./folder.ts";

/** One line of a log that is as it was written. */
export interface AuditLine extends Readonly<Record<string, unknown>> {
  /** Its number in its file, from 1. */
  readonly seq: number;
  /** What it records: `start`, `intent`, `denial`, `outcome`, `suppressed` or `checkpoint`. */
  readonly event: string;
}

/** A line that is not as it was written. */
export interface AuditFault {
  /** The file's name; empty for a checkpoint that was kept elsewhere. */
  readonly file: string;
  /** The line's number, from 1. */
  readonly line: number;
  /** What is wrong with the line. */
  readonly fault: string;
}

/** One file of a log. */
export interface AuditFile {
  /** Its name. */
  readonly name: string;
  /** Whole lines up to the first fault. */
  readonly lines: readonly AuditLine[];
  /** Whether its last line is a checkpoint: if not, the process still writes it, or ended without `close()`, or the end was cut off. */
  readonly isClosed: boolean;
  /** The number of the last line that a checkpoint signed by the key covers; 0 if there is none, or no key was given. */
  readonly signed: number;
}

/** An intent without an outcome. */
export interface UnfinishedIntent extends AuditLine {
  /** The name of its file. */
  readonly file: string;
}

/** What {@link verifyAudit} found. */
export interface AuditReport {
  /** In the order of their names, which begin with the time of their start. */
  readonly files: readonly AuditFile[];
  /** At most one for each file, its first one, and those of the checkpoints. Empty: nothing was changed that the evidence covers. */
  readonly faults: readonly AuditFault[];
  /** Intents without an outcome: the key may have signed them. */
  readonly unfinished: readonly UnfinishedIntent[];
}

/** What a log is compared with. */
export interface VerifyAuditOptions {
  /** Checkpoints that were kept elsewhere, as `onCheckpoint` got them. */
  readonly checkpoints?: readonly string[] | undefined;
  /** The Ed25519 key that signs the checkpoints: every checkpoint must be by it. */
  readonly publicKey?: KeyObject | undefined;
}

/** A statement from outside a file that one of its lines has this hash. */
interface Claim extends Position {
  readonly by: string;
}

/**
 * Checks each file's chain, the lines that other files and checkpoints name, and that each intent has one outcome.
 *
 * What was cut off at the end of the newest files, or a log that was rewritten as a whole, shows against checkpoints kept elsewhere, and
 * against nothing else.
 *
 * @throws the system's error if the folder cannot be read.
 */
export async function verifyAudit(folder: string, options: VerifyAuditOptions = {}): Promise<AuditReport> {
  const contents = new Map<string, readonly Buffer[]>();
  for (const name of await logFiles(folder)) contents.set(name, splitLines(await readFile(join(folder, name))));
  const faults: AuditFault[] = [];
  const claims = new Map<string, Claim[]>();
  const claim = (file: string, claimed: Claim) => {
    const name = contents.has(file) ? file : `${file}.torn`;
    if (contents.has(name)) claims.set(name, [...(claims.get(name) ?? []), claimed]);
    else faults.push({ file, line: claimed.seq, fault: `the file is missing: ${claimed.by} names it` });
  };
  for (const [name, [first]] of contents) {
    for (const { file, seq, hash } of followsOf(first && parseLine(first))) claim(file, { seq, hash, by: name });
  }
  for (const note of options.checkpoints ?? []) {
    const checkpoint = parseCheckpoint(note);
    const isTrusted = checkpoint && (!options.publicKey || isSignedBy(note, options.publicKey));
    if (isTrusted) claim(nameOf(checkpoint), { ...checkpoint, by: "a checkpoint kept elsewhere" });
    else
      faults.push({
        file: "",
        line: 0,
        fault: `a checkpoint kept elsewhere is not ${checkpoint ? "by the key" : "a checkpoint"}`,
      });
  }
  const files = [...contents].map(([name, lines]) => {
    const { fault, ...file } = checkFile(name, lines, claims.get(name) ?? [], options.publicKey);
    if (fault) faults.push({ file: name, ...fault });
    return file;
  });
  const { unfinished, repeated } = matchOutcomes(files);
  return { files, faults: [...faults, ...repeated], unfinished };
}

function splitLines(content: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  for (let start = 0; start < content.length; ) {
    const end = content.indexOf(10, start);
    const next = end < 0 ? content.length : end + 1;
    lines.push(content.subarray(start, next));
    start = next;
  }
  return lines;
}

type Fault = Omit<AuditFault, "file">;

function checkFile(
  name: string,
  lines: readonly Buffer[],
  claims: readonly Claim[],
  publicKey: KeyObject | undefined,
): AuditFile & { readonly fault: Fault | undefined } {
  const good: AuditLine[] = [];
  let [fault, head, origin, signed] = [undefined as Fault | undefined, NO_LINE, "", 0];
  for (const [index, bytes] of lines.entries()) {
    const line = index + 1;
    const fields = bytes.at(-1) === 10 ? parseLine(bytes) : undefined;
    // How a writer that failed leaves its file.
    if (!fields && line === lines.length && name.endsWith(".torn")) break;
    fault = fields
      ? (checkPlace(fields, line, head, lines) ?? checkContent(fields, { origin, seq: index, hash: head }, publicKey))
      : { line, fault: bytes.at(-1) === 10 ? "is not a JSON object" : "is cut off" };
    const hash = hashLine(bytes);
    const wrong = claims.find(({ seq, ...claimed }) => seq === line && claimed.hash !== hash);
    if (!fault && wrong)
      fault = { line, fault: `was changed, or a line before it was: ${wrong.by} names another hash of it` };
    if (fault) break;
    const { event } = fields as AuditLine;
    if (event === "start") origin = String(fields?.["origin"]);
    if (event === "checkpoint" && publicKey) signed = index;
    good.push(fields as AuditLine);
    head = hash;
  }
  const beyond = claims.find(({ seq }) => seq > good.length);
  if (!fault && beyond) {
    const { by, seq } = beyond;
    fault = { line: good.length + 1, fault: `is missing, with all lines up to ${seq} at least, which ${by} names` };
  }
  return { name, lines: good, isClosed: !fault && good.at(-1)?.event === "checkpoint", signed, fault };
}

/** Whether a line has the number and the hash that follow from the line before. */
function checkPlace(
  fields: Readonly<Record<string, unknown>>,
  line: number,
  head: string,
  lines: readonly Buffer[],
): Fault | undefined {
  const { seq, prev } = fields;
  if (seq === line && prev === head) return undefined;
  const hash = hashLine(lines[line - 1] as Buffer);
  const next = parseLine(lines[line] ?? new Uint8Array());
  // The next line vouches for this one, or a checkpoint for itself: then the one before is not what it was.
  const ownHash = parseCheckpoint(String(fields["note"]))?.hash;
  const isIntact = next?.["prev"] === hash || (ownHash !== undefined && ownHash === prev);
  if (seq === line) {
    return isIntact && line > 1
      ? { line: line - 1, fault: `was changed: line ${line} has another hash of it` }
      : { line, fault: "was changed, or the line before it was: it has another hash of that" };
  }
  if (typeof seq === "number" && seq < line && prev !== head) {
    const twin = lines[seq - 1];
    if (twin?.equals(lines[line - 1] as Buffer)) return { line, fault: `repeats line ${seq}` };
  }
  if (prev === head) return { line, fault: `was changed: its number is ${String(seq)}` };
  const later = lines.slice(line).some((bytes) => parseLine(bytes)?.["seq"] === line);
  return { line, fault: later ? "is out of order: it is further down" : "is missing" };
}

/** What else of a line follows from the lines before. */
function checkContent(
  { event, origin, note, ...fields }: Readonly<Record<string, unknown>>,
  before: Checkpoint,
  publicKey: KeyObject | undefined,
): Fault | undefined {
  const line = before.seq + 1;
  if ((event === "start") !== (line === 1)) return { line, fault: "is not the first line of a log" };
  if (event === "start") return typeof origin === "string" ? undefined : { line, fault: "names no log" };
  if (typeof event !== "string") return { line, fault: "says not what it is" };
  if (event !== "checkpoint") return undefined;
  const checkpoint = parseCheckpoint(String(note));
  const isRight =
    checkpoint?.origin === before.origin && checkpoint.seq === before.seq && checkpoint.hash === before.hash;
  if (!isRight || Object.keys(fields).length > 2) return { line, fault: "is not the checkpoint of the lines before" };
  if (publicKey && !isSignedBy(String(note), publicKey))
    return { line, fault: "is a checkpoint that is not by the key" };
  return undefined;
}

function matchOutcomes(files: readonly AuditFile[]) {
  const intents = new Map<unknown, UnfinishedIntent>();
  const finished = new Set<unknown>();
  const repeated: AuditFault[] = [];
  const entries: UnfinishedIntent[] = files.flatMap(({ name: file, lines }) =>
    lines.map((line) => ({ ...line, file })),
  );
  for (const entry of entries) if (entry.event === "intent") intents.set(entry["id"], entry);
  for (const { event, file, seq: line, ...fields } of entries) {
    const id = fields["id"];
    if (event !== "outcome") continue;
    if (!intents.has(id)) repeated.push({ file, line, fault: "is the outcome of an intent that is in no file" });
    if (finished.has(id)) repeated.push({ file, line, fault: "is the second outcome of its intent" });
    finished.add(id);
  }
  return { unfinished: [...intents.values()].filter((intent) => !finished.has(intent["id"])), repeated };
}
