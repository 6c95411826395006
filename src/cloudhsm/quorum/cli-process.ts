import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { AnswerReader, type CliAnswer } from "./cli-answer.ts";
import { CliFailure, type CliFailureKind, shownText } from "./cli-failure.ts";

interface Pending {
  readonly settle: (outcome: CliAnswer | CliFailure) => void;
  readonly password: string | undefined;
  quiet: NodeJS.Timeout | undefined;
}

/** Behind the prompt of a command without an answer. Its stderr may come later, and one prompt too many changes nothing. */
const QUIET_MS = 2_000;
/** For what is in the pipes of a process that ended. */
const DRAIN_MS = 250;
const GRACE_MS = 2_000;
const MAX_STDERR = 4_096;

// Node ends without asking children: one listener for all of them.
const living = new Set<ChildProcessWithoutNullStreams>();
function killLiving(): void {
  for (const child of living) child.kill("SIGKILL");
}

/**
 * One `cloudhsm-cli interactive`: a command's line in, its answer out, one at a time.
 *
 * Unexpected output ends the process, since afterwards it is unknown which answer belongs to which command. It does
 * not keep the application alive while no command runs, and does not outlive it.
 */
export class CliProcess {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #reader = new AnswerReader();
  readonly #ended: Promise<void>;
  readonly #onEnd: () => void;
  #pending: Pending | undefined;
  #failure: CliFailure | undefined;
  #commands = 0;
  #secret = "";
  #stderr = "";
  #ending: Promise<void> | undefined;

  /** Starts it, without a shell. `onEnd` is called once, however it ends. */
  constructor(path: string, parameters: readonly string[], onEnd: () => void) {
    const { CLOUDHSM_PIN: _pin, CLOUDHSM_ROLE: _role, ...env } = process.env;
    const child = spawn(path, ["interactive", ...parameters], { env, stdio: "pipe", windowsHide: true });
    this.#child = child;
    this.#onEnd = onEnd;
    if (living.size === 0) process.on("exit", killLiving);
    living.add(child);
    this.#ended = new Promise((resolve) => {
      const ended = (failure: CliFailure) => {
        this.#forget();
        this.#fail(failure);
        resolve();
      };
      child.once("error", (cause: NodeJS.ErrnoException) => {
        if (child.pid === undefined) ended(new CliFailure("not-started", "", cause.code));
      });
      child.once("exit", () => {
        // The answer of the command that runs may be on its way still; the next one would be in vain.
        if (this.#pending === undefined) this.#fail(new CliFailure("died", this.#shownStderr()));
        // Something that the CLI started may hold its pipes open.
        setTimeout(() => this.#closePipes(), DRAIN_MS).unref();
      });
      child.once("close", () => ended(new CliFailure("died", this.#shownStderr())));
    });
    child.stdout.setEncoding("utf8").on("data", (text: string) => this.#read(text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr = `${this.#stderr}${text}`.slice(-MAX_STDERR);
    });
    // EPIPE: the process is ending, which "close" tells.
    for (const stream of [child.stdin, child.stdout, child.stderr]) stream.on("error", () => {});
    child.unref();
    for (const stream of [child.stdin, child.stdout, child.stderr]) (stream as unknown as { unref?(): void }).unref?.();
  }

  /**
   * Sends a line, and waits for its answer.
   *
   * @param password given where the command asks for it, and taken out of everything that is shown.
   * @throws CliFailure
   */
  run(line: string, timeout: number, password?: string): Promise<CliAnswer> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure.beforeSending());
    this.#secret ||= password ?? "";
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#stop("timeout"), timeout);
      let sent = true;
      const settle = (outcome: CliAnswer | CliFailure) => {
        clearTimeout(timer);
        clearTimeout(this.#pending?.quiet);
        this.#pending = undefined;
        if (outcome instanceof CliFailure) reject(sent ? outcome : outcome.beforeSending());
        else resolve(outcome);
      };
      this.#pending = { settle, password, quiet: undefined };
      this.#commands++;
      // EPIPE: the line was not read to its end, so it is not executed.
      this.#child.stdin.write(`${line}\n`, (error) => {
        sent = !error;
      });
    });
  }

  /** Asks it to end, then insists; no command may be running. */
  end(): Promise<void> {
    this.#ending ??= this.#end();
    return this.#ending;
  }

  async #end(): Promise<void> {
    this.#failure ??= new CliFailure("died", "");
    if (!living.has(this.#child)) return;
    this.#child.stdin.end("quit\n");
    for (const signal of ["SIGTERM", "SIGKILL"] as const) {
      const timer = setTimeout(() => this.#child.kill(signal), signal === "SIGTERM" ? GRACE_MS : 2 * GRACE_MS);
      void this.#ended.then(() => clearTimeout(timer));
    }
    await this.#ended;
  }

  /** Settles when the process is gone. */
  get ended(): Promise<void> {
    return this.#ended;
  }

  #read(text: string): void {
    this.#reader.push(text);
    const pending = this.#pending;
    const answer = this.#reader.take();
    if (answer !== undefined) {
      // An answer without a command: which of two is the command's, and will the next one be of the next?
      if (pending === undefined || this.#reader.take() !== undefined) this.#stop("no-answer");
      else pending.settle(answer);
      return;
    }
    if (this.#reader.overflown) this.#stop("no-answer");
    if (pending === undefined) return;
    if (pending.password !== undefined && this.#reader.asksPassword) {
      this.#reader.passwordGiven();
      this.#child.stdin.write(`${pending.password}\n`);
    }
    if (this.#reader.prompts > this.#commands) pending.quiet ??= setTimeout(() => this.#stop("no-answer"), QUIET_MS);
  }

  #stop(kind: CliFailureKind): void {
    this.#fail(new CliFailure(kind, this.#shownStderr()));
    this.#child.kill("SIGKILL");
  }

  #fail(failure: CliFailure): void {
    const first = this.#failure === undefined;
    this.#failure ??= failure;
    this.#pending?.settle(failure);
    if (first) this.#onEnd();
  }

  // A parser's complaint may repeat the line that it refused.
  #shownStderr(): string {
    return shownText(this.#secret === "" ? this.#stderr : this.#stderr.replaceAll(this.#secret, "[REDACTED]"));
  }

  #closePipes(): void {
    for (const stream of [this.#child.stdin, this.#child.stdout, this.#child.stderr]) stream.destroy();
  }

  #forget(): void {
    living.delete(this.#child);
    if (living.size === 0) process.off("exit", killLiving);
  }
}
