import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Runs `use` with the path of a file in a new folder, readable by this user only, and removes the folder afterwards. */
export async function withTokenPath<T>(use: (path: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), `ethers-hsm-quorum-${process.pid}-`));
  try {
    return await use(join(folder, "token.json"));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
