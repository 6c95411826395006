import { randomBytes } from "node:crypto";
import { constants, type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { Chain, type Position } from "./chain.ts";
import type { Followed } from "./folder.ts";

/** The version of the lines' form. */
const FORMAT = 1;
const APPEND_NEW = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_EXCL;

/** A log file that this process writes, and no other one. */
export class LogFile {
  readonly name: string;
  readonly origin: string;
  readonly #handle: FileHandle;
  readonly #chain = new Chain();
  #size = 0;

  /** Makes the file, with its first line on the disk, and its name, too. */
  static async create(folder: string, log: string, follows: readonly Followed[]): Promise<LogFile> {
    const time = new Date().toISOString();
    const name = `${time.replaceAll(":", "-")}-${process.pid}-${randomBytes(4).toString("hex")}.jsonl`;
    const file = new LogFile(name, `${log}/${name}`, await open(join(folder, name), APPEND_NEW, 0o600));
    const start = { event: "start", time, format: FORMAT, origin: file.origin, pid: process.pid, follows };
    try {
      await file.write([start], true);
      await syncFolder(folder);
      return file;
    } catch (error) {
      await file.close().catch(() => {});
      throw error;
    }
  }

  private constructor(name: string, origin: string, handle: FileHandle) {
    this.name = name;
    this.origin = origin;
    this.#handle = handle;
  }

  get size(): number {
    return this.#size;
  }

  get last(): Position {
    return this.#chain.last;
  }

  /** Appends lines with one write, and with one fsync if they must outlive a crash of the machine. */
  async write(lines: readonly Readonly<Record<string, unknown>>[], isDurable: boolean): Promise<void> {
    const bytes = Buffer.concat(lines.map((line) => this.#chain.next(line)));
    for (let offset = 0; offset < bytes.length; ) {
      const { bytesWritten } = await this.#handle.write(bytes, offset);
      offset += bytesWritten;
    }
    this.#size += bytes.length;
    if (isDurable) await this.#handle.datasync();
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

/** A new file's name is on the disk once its folder is. */
async function syncFolder(folder: string): Promise<void> {
  // Windows opens no folder, and needs none.
  if (process.platform === "win32") return;
  const handle = await open(folder);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
