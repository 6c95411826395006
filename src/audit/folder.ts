import { randomBytes } from "node:crypto";
import { type FileHandle, open, readdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { hashLine, NO_LINE, type Position } from "./chain.ts";

/** An older file, by its last whole line at the time. */
export interface Followed extends Position {
  readonly file: string;
  /** How many bytes of a line that was not finished come after it. */
  readonly torn?: number;
}

/** The first line of a file. */
export interface StartLine extends Readonly<Record<string, unknown>> {
  /** The log's name, a slash, and the file's. */
  readonly origin: string;
}

/** The version of the lines' form. */
const FORMAT = 1;

/** The first line of a file that is begun now, whose name nothing else has. */
export function startLine(log: string, follows: readonly Followed[]): StartLine {
  const time = new Date().toISOString();
  const file = `${time.replaceAll(":", "-")}-${process.pid}-${randomBytes(4).toString("hex")}.jsonl`;
  return { event: "start", time, format: FORMAT, origin: `${log}/${file}`, pid: process.pid, follows };
}

/** The file that an origin names. */
export function nameOf({ origin }: Pick<StartLine, "origin">): string {
  return origin.slice(origin.lastIndexOf("/") + 1);
}

const LOG = /\.jsonl(\.torn)?$/;
const TAIL = 65_536;
/** A writer that lives finishes its line within it, in milliseconds. */
const SETTLING = 100;

/** The names of the folder's log files, oldest first. */
export async function logFiles(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => LOG.test(name)).sort();
}

/**
 * The last line of each log file that no file's first line names yet. A file that ends within a line, since its process or its disk
 * failed, is renamed to `….torn`: it is kept as it is, and not written any more.
 */
export async function unfollowed(folder: string): Promise<Followed[]> {
  const ends: Followed[] = [];
  const named = new Set<string>();
  for (const file of await logFiles(folder)) {
    const { end, follows } = await settledEnd(folder, file);
    if (end) ends.push(end);
    for (const each of follows) named.add(placeOf(each));
  }
  return ends.filter((end) => !named.has(placeOf(end)));
}

function placeOf({ file, seq, hash }: Followed): string {
  return `${file} ${seq} ${hash}`;
}

interface End {
  /** undefined if the file is empty. */
  readonly end: Followed | undefined;
  /** What the file's first line names. */
  readonly follows: readonly Followed[];
}

async function settledEnd(folder: string, file: string): Promise<End> {
  const found = await readEnd(folder, file);
  if (!found.end?.torn || file.endsWith(".torn")) return found;
  await sleep(SETTLING);
  const settled = await readEnd(folder, file);
  if (!settled.end?.torn || settled.end.torn !== found.end.torn) return settled;
  const kept = `${file}.torn`;
  try {
    await rename(join(folder, file), join(folder, kept));
  } catch (error) {
    // Another process that starts now has renamed it.
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  return { ...settled, end: { ...settled.end, file: kept } };
}

async function readEnd(folder: string, file: string): Promise<End> {
  const handle = await openEither(folder, file);
  try {
    const { size } = await handle.stat();
    if (size === 0) return { end: undefined, follows: [] };
    for (let length = TAIL; ; length *= 2) {
      const start = Math.max(0, size - length);
      const last = lastLine(await readRange(handle, start, size), start === 0);
      if (last) return { end: { file, ...last }, follows: await readFollows(handle, size) };
      if (start === 0) return { end: { file, seq: 0, hash: NO_LINE, torn: size }, follows: [] };
    }
  } finally {
    await handle.close();
  }
}

async function openEither(folder: string, file: string): Promise<FileHandle> {
  try {
    return await open(join(folder, file));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return open(join(folder, `${file}.torn`));
  }
}

/** The last whole line in the bytes, and how many bytes come after it. A crash of the machine may leave zeros or half a line. */
function lastLine(bytes: Buffer, isWhole: boolean): (Position & { readonly torn?: number }) | undefined {
  for (let end = bytes.lastIndexOf(10); end >= 0; ) {
    const before = end === 0 ? -1 : bytes.lastIndexOf(10, end - 1);
    if (before < 0 && !isWhole) return undefined;
    const line = bytes.subarray(before + 1, end + 1);
    const { seq } = parseLine(line) ?? {};
    const torn = bytes.length - end - 1;
    if (typeof seq === "number") return { seq, hash: hashLine(line), ...(torn > 0 ? { torn } : {}) };
    end = before;
  }
  return undefined;
}

async function readFollows(handle: FileHandle, size: number): Promise<readonly Followed[]> {
  for (let length = TAIL; ; length *= 2) {
    const bytes = await readRange(handle, 0, Math.min(size, length));
    const end = bytes.indexOf(10);
    if (end >= 0) return followsOf(parseLine(bytes.subarray(0, end)));
    if (length >= size) return [];
  }
}

/** What a file's first line names; nothing if it is not such a line. */
export function followsOf(line: Readonly<Record<string, unknown>> | undefined): readonly Followed[] {
  return Array.isArray(line?.["follows"]) ? (line["follows"] as Followed[]) : [];
}

async function readRange(handle: FileHandle, start: number, end: number): Promise<Buffer> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(end - start), 0, end - start, start);
  return buffer.subarray(0, bytesRead);
}

/** The line's JSON object; undefined if it is not one. */
export function parseLine(line: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(line).toString());
    return typeof parsed === "object" && parsed !== null && !Array.isArray(parsed)
      ? (parsed as Readonly<Record<string, unknown>>)
      : undefined;
  } catch {
    return undefined;
  }
}
