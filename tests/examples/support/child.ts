import { type ChildProcessWithoutNullStreams, fork } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

export interface ChildOptions {
  /** The Node binary. */
  readonly node: string;
  /** A program beside this file that says something when it is ready, and then answers each message with one. */
  readonly program: string;
  readonly args: readonly string[];
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>;
}

/** A process of its own that answers messages, one at a time. */
export class Child<Ready, Message extends object, Reply> {
  readonly ready: Promise<Ready>;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #output: Promise<string>;

  constructor({ node, program, args, env }: ChildOptions) {
    const file = fileURLToPath(new URL(program, import.meta.url));
    const options = { execPath: node, execArgv: [], env: { ...env }, silent: true };
    this.#child = fork(file, args, options) as ChildProcessWithoutNullStreams;
    this.#output = Promise.all([text(this.#child.stdout), text(this.#child.stderr)]).then((all) => all.join(""));
    this.ready = this.#next();
  }

  ask(message: Message): Promise<Reply> {
    const reply = this.#next<Reply>();
    this.#child.send(message);
    return reply;
  }

  /** @returns what it wrote. */
  async stop(): Promise<string> {
    if (this.#child.connected) this.#child.disconnect();
    return this.#output;
  }

  async #next<T>(): Promise<T> {
    const controller = new AbortController();
    const { signal } = controller;
    try {
      const ended = once(this.#child, "exit", { signal }).then(async () => {
        // Node shows the line of the bundle, and all of the bundle is few lines.
        const lines = (await this.#output).split("\n").map((line) => line.slice(0, 200));
        throw new Error(`the process ended:\n${lines.join("\n")}`);
      });
      const [message] = await Promise.race([once(this.#child, "message", { signal }), ended]);
      return message;
    } finally {
      controller.abort();
    }
  }
}
