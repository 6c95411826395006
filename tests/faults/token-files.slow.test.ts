import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { onSmallDisk } from "./small-disk.ts";
import type { TokenReport } from "./token-actor.ts";

// A few seconds, unless the machine has much else to do.
jest.setTimeout(180_000);

const PROJECT = fileURLToPath(new URL("../../", import.meta.url));
const ACTOR = fileURLToPath(new URL("./token-actor.ts", import.meta.url));
/** Below jest's: no scene outlives its test. */
const TIMEOUT = 150_000;
const MODES = [
  ["in this process", []],
  ["in a process of its own", ["--isolated"]],
] as const;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "ethers-hsm-files-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Plays a scene in a process, on a disk that `disk` has mounted for it. */
async function play(scene: string, mode: readonly string[], disk: readonly string[] = []): Promise<TokenReport> {
  const args = ["--import", "tsx", ACTOR, "--scene", scene, "--folder", folder, ...mode];
  const [command = "", ...rest] = [...disk, process.execPath, ...args];
  const child = spawn(command, rest, { cwd: PROJECT, stdio: ["ignore", "pipe", "pipe"], timeout: TIMEOUT });
  const [output, errors, [code, signal]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close"),
  ]);
  if (code !== 0) throw new Error(`the scene ended with ${code ?? signal}:\n${errors.slice(-1_500)}`);
  return JSON.parse(output) as TokenReport;
}

describe.each(MODES)("the library %s", (_, mode) => {
  test("the token's folder goes away and comes back", async () => {
    const { during, after } = await play("removed", mode);
    expect(during).toMatchObject({ wrong: 0, unsettled: 0 });
    expect(during.ok).toBeGreaterThan(0);
    const known = ["BACKEND_UNAVAILABLE", "BACKEND_TIMEOUT", "KEY_NOT_FOUND"];
    expect(Object.keys(during.failures).filter((code) => !known.includes(code))).toEqual([]);
    expect(after.messages).toEqual({});
    expect(after).toMatchObject({ ok: 100, wrong: 0, unsettled: 0 });
  });

  const mayMount = onSmallDisk(tmpdir()) !== undefined;
  // Containers often forbid to mount.
  (mayMount ? test : test.skip)(
    "a full disk: no key is made, no signature fails, and there is room again",
    async () => {
      const disk = onSmallDisk(folder);
      if (disk === undefined) throw new Error("the small disk cannot be mounted any more");
      const { during, after, creations, signing, unusable } = await play("full-disk", mode, disk);
      expect(during.messages).toEqual({});
      expect(during).toMatchObject({ ok: during.calls, wrong: 0, unsettled: 0 });
      expect(creations).toEqual({
        before: expect.stringMatching(/^0x/),
        ...{ "full 1": "BACKEND_UNAVAILABLE", "full 2": "BACKEND_UNAVAILABLE", "full 3": "BACKEND_UNAVAILABLE" },
        after: expect.stringMatching(/^0x/),
      });
      expect(signing).toEqual(["after", "before", "first"]);
      expect(unusable).toEqual([]);
      expect(after).toMatchObject({ ok: 100, wrong: 0, unsettled: 0 });
    },
  );
});
