import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** The inputs in a folder, in the order of their names; none where there is no such folder. */
export async function readInputs(folder: string): Promise<Uint8Array[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  return Promise.all(names.sort().map(async (name) => new Uint8Array(await readFile(join(folder, name)))));
}

/** Writes an input under the name of its hash, so that the same input is one file. Gives the path. */
export async function writeInput(folder: string, input: Uint8Array, prefix = ""): Promise<string> {
  const path = join(folder, `${prefix}${createHash("sha256").update(input).digest("hex").slice(0, 16)}.bin`);
  await mkdir(folder, { recursive: true });
  await writeFile(path, input);
  return path;
}
