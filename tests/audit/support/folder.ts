import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "@jest/globals";

const made: string[] = [];

afterAll(() => {
  for (const folder of made) rmSync(folder, { recursive: true, force: true });
});

/** An empty folder, removed after the file's tests. */
export function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "ethers-hsm-audit-"));
  made.push(folder);
  return folder;
}

/** A file's lines with their newlines. */
export function readLines(folder: string, file: string): string[] {
  return readFileSync(join(folder, file), "latin1").split(/(?<=\n)/);
}

export function readEntries(folder: string): Record<string, unknown>[] {
  const files = readdirSync(folder).sort();
  return files.flatMap((file) =>
    readFileSync(join(folder, file), "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line)),
  );
}

export function writeLines(folder: string, file: string, lines: readonly string[]): void {
  writeFileSync(join(folder, file), lines.join(""), "latin1");
}
