import { writeFile } from "node:fs/promises";
import { CommandError } from "./errors.ts";

/** @throws CommandError USAGE if the file exists: it may be another's approval. */
export async function writeNew(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text, { flag: "wx", mode: 0o600 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new CommandError("USAGE", `the file that --out names cannot be written: ${code}`);
  }
}
