import { constants, type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import type { LogWriter } from "./audit-log.ts";
import { Chain, type Position } from "./chain.ts";
import { type Followed, nameOf, type StartLine, startLine } from "./folder.ts";

const APPEND_NEW = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_EXCL;

/** A log file that this process writes, and no other one. */
export class LogFile implements LogWriter {
  readonly name: string;
  readonly origin: string;
  readonly #handle: FileHandle;
  readonly #chain = new Chain();
  readonly #maxSize: number;
  #size = 0;

  /** Makes the file, with its first line on the disk, and its name, too. */
  static async create(folder: string, log: string, follows: readonly Followed[], maxSize: number): Promise<LogFile> {
    const start = startLine(log, follows);
    const file = new LogFile(start, await open(join(folder, nameOf(start)), APPEND_NEW, 0o600), maxSize);
    try {
      await file.write([start], true);
      await syncFolder(folder);
      return file;
    } catch (error) {
      await file.close().catch(() => {});
      throw error;
    }
  }

  private constructor({ origin }: StartLine, handle: FileHandle, maxSize: number) {
    this.name = nameOf({ origin });
    this.origin = origin;
    this.#handle = handle;
    this.#maxSize = maxSize;
  }

  get isFull(): boolean {
    return this.#size >= this.#maxSize;
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
