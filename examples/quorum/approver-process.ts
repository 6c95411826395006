import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const SCRIPT = fileURLToPath(new URL("approve.ts", import.meta.url));

/** An approver's own process, with a person at its terminal who types `answer`. */
export class ApproverProcess {
  readonly #child: ChildProcess;
  readonly #closed: Promise<unknown>;

  constructor(parameters: readonly string[], answer: "yes" | "no") {
    this.#child = spawn(process.execPath, ["--import", "tsx", SCRIPT, ...parameters], {
      stdio: ["pipe", "inherit", "inherit"],
    });
    this.#closed = once(this.#child, "close");
    this.#child.stdin?.write(`${answer}\n`);
  }

  /** Closes the terminal, which ends an approver who still waits. */
  async end(): Promise<void> {
    this.#child.stdin?.end();
    await this.#closed;
  }
}
