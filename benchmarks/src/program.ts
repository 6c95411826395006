import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

export interface ProgramOptions {
  readonly execArgv?: readonly string[] | undefined;
  /** Added to this process's own. */
  readonly env?: NodeJS.ProcessEnv | undefined;
}

export type Envelope<T> = { readonly value: T } | { readonly error: string };

/**
 * A process of its own that answers messages, one after the other, by the exported function `answer` of a module.
 *
 * It shares nothing with this process: neither the garbage collector nor the event loop nor what was compiled already.
 */
export class Program<Message, Reply> {
  readonly #child: ChildProcess;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static start<Message, Reply>(module: URL, { execArgv = [], env }: ProgramOptions = {}): Program<Message, Reply> {
    const child = fork(fileURLToPath(new URL("program-process.ts", import.meta.url)), [module.href], {
      execArgv: ["--import", "tsx", ...execArgv],
      env: { ...process.env, ...env },
      serialization: "advanced",
    });
    return new Program(child);
  }

  /** Waits for the messages before. @throws an Error with what the program threw, or that it ended. */
  ask(message: Message): Promise<Reply> {
    const reply = this.#last.then(() => this.#exchange(message));
    this.#last = reply.catch(() => {});
    return reply;
  }

  async #exchange(message: Message): Promise<Reply> {
    const controller = new AbortController();
    const { signal } = controller;
    try {
      const ended = once(this.#child, "exit", { signal }).then(([code, reason]) => {
        throw new Error(`a program of the benchmark ended with ${code ?? reason}`);
      });
      const replied = once(this.#child, "message", { signal });
      this.#child.send(message as object);
      const [envelope] = (await Promise.race([replied, ended])) as [Envelope<Reply>];
      if ("error" in envelope) throw new Error(envelope.error);
      return envelope.value;
    } finally {
      controller.abort();
    }
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, "exit");
    this.#child.disconnect();
    await exited;
  }
}

/** One message to a program of its own. */
export async function askOnce<Message, Reply>(module: URL, message: Message, options?: ProgramOptions): Promise<Reply> {
  const program = Program.start<Message, Reply>(module, options);
  try {
    return await program.ask(message);
  } finally {
    await program.stop();
  }
}
