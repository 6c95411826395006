import { spawnSync } from "node:child_process";
import { closeSync, fsyncSync, openSync, statfsSync, writeSync } from "node:fs";
import { join } from "node:path";

const SIZE = "256k";
/** No file system above it is filled. */
const MAX_BYTES = 1024 * 1024;
// A file system of a process's own: as a user who may mount, or as root of a user namespace (unshare(1)).
const WAYS = [["--mount"], ["--mount", "--map-root-user"]] as const;

/** What has to stand before a command so that `folder` is a disk of 256 KiB to it, or undefined where the system permits none. */
export function onSmallDisk(folder: string): readonly string[] | undefined {
  const mount = `mount -t tmpfs -o size=${SIZE} tmpfs "${folder}" && exec "$@"`;
  return WAYS.map((way) => ["unshare", ...way, "sh", "-c", mount, "sh"]).find(
    ([command = "", ...rest]) => spawnSync(command, [...rest, "true"]).status === 0,
  );
}

/** Writes a file that leaves no byte free on a small disk. @returns its path. @throws where the disk is not small. */
export function fillDisk(folder: string): string {
  const { bsize, blocks } = statfsSync(folder);
  if (bsize * blocks > MAX_BYTES)
    throw new Error(`${folder} is on a disk of ${bsize * blocks} bytes, and is not filled`);
  const path = join(folder, "filler");
  const file = openSync(path, "w");
  try {
    for (;;) writeSync(file, Buffer.alloc(4_096));
  } catch (error) {
    if ((error as { code?: string }).code !== "ENOSPC") throw error;
    return path;
  } finally {
    fsyncSync(file);
    closeSync(file);
  }
}
