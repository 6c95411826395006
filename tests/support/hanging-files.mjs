import { mkdirSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";

const LONGEST = 20 * 60_000;

/**
 * A reporter that ends the worker of a test file that runs for more than 20 minutes, so that jest reports the file and goes on.
 * jest's own time limits are timers of the worker: they never fire in one that is blocked.
 */
export default class HangingFiles {
  /** @type {NodeJS.Timeout | undefined} */
  #timer;

  onRunStart() {
    mkdirSync(folder(), { recursive: true });
    this.#timer = setInterval(endHanging, 10_000).unref();
  }

  // The folder is removed next.
  onRunComplete() {
    clearInterval(this.#timer);
  }

  /** @param {{ path: string }} test */
  onTestFileResult({ path }) {
    for (const file of running()) if (readFileSync(file, "utf8") === path) rmSync(file);
  }
}

function endHanging() {
  for (const file of running()) {
    if (Date.now() - statSync(file).mtimeMs < LONGEST) continue;
    process.stderr.write(`${readFileSync(file, "utf8")} has run for 20 minutes, and is ended.\n`);
    process.kill(Number(file.slice(file.lastIndexOf("/") + 1)), "SIGKILL");
    rmSync(file);
  }
}

/** A file for each worker: its name is the worker's process, its content the path of the test file. tests/support/running-file.ts writes it. */
function running() {
  return readdirSync(folder()).map((name) => join(folder(), name));
}

function folder() {
  return join(process.env["ETHERS_HSM_TEST_FOLDER"] ?? "", "running");
}
