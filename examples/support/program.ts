import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** A TypeScript program in a process of its own, whose output an example reads. */
export class Program {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #exit: Promise<unknown[]>;

  constructor(script: string, parameters: readonly string[], env: Readonly<Record<string, string>>) {
    this.#child = spawn(process.execPath, ["--import", "tsx", script, ...parameters], {
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.#exit = once(this.#child, "exit");
    if (!this.#child.stdout) throw new Error("no output to read");
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  /** The next line that it prints. */
  async line(): Promise<string> {
    const { done, value } = await this.#lines.next();
    if (done) throw new Error("the program ended before it printed what it should");
    return value;
  }

  /** Asks it to end, if `signal` is given, and answers with its exit code once it ended. */
  async end(signal?: NodeJS.Signals): Promise<number | null> {
    if (signal) this.#child.kill(signal);
    const [code] = await this.#exit;
    return code as number | null;
  }
}
