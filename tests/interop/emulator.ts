import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, test } from "@jest/globals";

const SCRIPT = join(__dirname, "../../scripts/emulators.mjs");

/** Runs `suite` with the emulator running. Where that is missing it is reported as skipped; in CI it is a failure. */
export function describeWithEmulator(name: string, suite: (url: () => string) => void): void {
  describe(`${name}, by a third party`, () => {
    const missing = spawnSync(process.execPath, [SCRIPT, "missing", name], { encoding: "utf8" });
    const reason = missing.status === 0 ? missing.stdout.trim() : missing.stderr;
    if (reason !== "") {
      reportMissing(`${name} cannot be started: ${reason}. Run \`npm run emulators\``);
      return;
    }
    let running: ChildProcessWithoutNullStreams | undefined;
    let url = "";
    beforeAll(async () => {
      running = spawn(process.execPath, [SCRIPT, "start", name]);
      url = await firstLine(running);
    }, 240_000);
    afterAll(async () => {
      if (!running || running.exitCode !== null) return;
      const closed = once(running, "close");
      running.stdin.end();
      await closed;
    });
    suite(() => url);
  });
}

async function firstLine(running: ChildProcessWithoutNullStreams): Promise<string> {
  let errors = "";
  running.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors += text;
  });
  for await (const line of createInterface({ input: running.stdout })) return line;
  throw new Error(errors);
}

function reportMissing(message: string): void {
  const skipped = test.skip;
  if (process.env["CI"] === undefined) skipped(message, () => {});
  else {
    test(message, () => {
      throw new Error(message);
    });
  }
}
