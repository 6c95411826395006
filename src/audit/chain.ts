import { createHash } from "node:crypto";

/** The `prev` of a file's first line. */
export const NO_LINE = "0".repeat(64);

/** A line of a log, by its number and its hash. */
export interface Position {
  /** The line's number in its file, from 1; 0 if the file has no whole line. */
  readonly seq: number;
  /** SHA-256 of the line's bytes, its newline included, as hex. */
  readonly hash: string;
}

/** SHA-256 of a line's bytes, its newline included, as hex: `sed -n 7p FILE | sha256sum` prints the same. */
export function hashLine(line: Uint8Array): string {
  return createHash("sha256").update(line).digest("hex");
}

/** The lines of one file, each of which holds the hash of the line before. */
export class Chain {
  #last: Position = { seq: 0, hash: NO_LINE };

  get last(): Position {
    return this.#last;
  }

  /** @param fields one JSON object. */
  next(fields: Readonly<Record<string, unknown>>): Buffer {
    const seq = this.#last.seq + 1;
    const line = Buffer.from(`${JSON.stringify({ seq, prev: this.#last.hash, ...fields })}\n`);
    this.#last = { seq, hash: hashLine(line) };
    return line;
  }
}
