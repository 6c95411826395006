import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import { text } from "node:stream/consumers";
import { CommandError, requireUsage } from "./errors.ts";
import { printable } from "./printable.ts";

/** Where a command reads and writes: `process`, unless the command runs within another program. */
export interface Streams {
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean };
}

/** Input and outputs of a command. Results go to stdout, everything else to stderr. All text is made printable here. */
export class Terminal {
  readonly #streams: Streams;
  #inputTaken = false;
  #progressLength = 0;

  constructor(streams: Streams) {
    this.#streams = streams;
  }

  /** Whether a person can be asked something. */
  get isInteractive(): boolean {
    return this.#streams.stdin.isTTY === true && this.#streams.stderr.isTTY === true && !this.#inputTaken;
  }

  /** A line of the result. */
  print(line: string): void {
    this.endProgress();
    this.#streams.stdout.write(`${printable(line)}\n`);
  }

  /** A line that is not part of the result. */
  note(line: string): void {
    this.endProgress();
    this.#streams.stderr.write(`${printable(line)}\n`);
  }

  /** Overwrites the last progress on a terminal; without a terminal nothing is shown. */
  progress(line: string): void {
    if (this.#streams.stderr.isTTY !== true) return;
    this.#streams.stderr.write(`\r${line.padEnd(this.#progressLength)}`);
    this.#progressLength = line.length;
  }

  endProgress(): void {
    if (this.#progressLength > 0) this.#streams.stderr.write(`\r${" ".repeat(this.#progressLength)}\r`);
    this.#progressLength = 0;
  }

  /** All of stdin, which can be read once. */
  async readInput(): Promise<string> {
    requireUsage(!this.#inputTaken, "only one argument can be -, since there is one standard input");
    this.#inputTaken = true;
    return text(this.#streams.stdin);
  }

  /** For an interactive terminal only. @throws CommandError DECLINED if the person interrupts, or the input ends. */
  async ask(question: string): Promise<string> {
    return this.#ask(question, this.#streams.stderr, () => {});
  }

  /** The same, without showing what is typed. */
  async askHidden(question: string): Promise<string> {
    const shown = new Writable({ write: (_chunk, _encoding, done) => done() });
    this.#streams.stderr.write(question);
    return this.#ask("", shown, () => this.#streams.stderr.write("\n"));
  }

  async #ask(question: string, output: NodeJS.WritableStream, done: () => void): Promise<string> {
    this.endProgress();
    const reader = createInterface({ input: this.#streams.stdin, output, terminal: true });
    try {
      return await new Promise<string>((resolve, reject) => {
        reader.question(question, resolve);
        reader.once("SIGINT", () => reject(new CommandError("DECLINED", "interrupted")));
        reader.once("close", () => reject(new CommandError("DECLINED", "the input ended without an answer")));
      });
    } finally {
      reader.close();
      done();
    }
  }
}
