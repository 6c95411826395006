import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import { text } from "node:stream/consumers";
import { CommandError, requireUsage } from "./errors.ts";
import { printable } from "./printable.ts";

/** The process's input and outputs. Results go to stdout, everything else to stderr. All text is made printable here. */
export class Terminal {
  #inputTaken = false;
  #progressLength = 0;

  /** Whether a person can be asked something. */
  get isInteractive(): boolean {
    return process.stdin.isTTY === true && process.stderr.isTTY === true && !this.#inputTaken;
  }

  /** A line of the result. */
  print(line: string): void {
    this.endProgress();
    process.stdout.write(`${printable(line)}\n`);
  }

  /** A line that is not part of the result. */
  note(line: string): void {
    this.endProgress();
    process.stderr.write(`${printable(line)}\n`);
  }

  /** Overwrites the last progress on a terminal; without a terminal nothing is shown. */
  progress(line: string): void {
    if (process.stderr.isTTY !== true) return;
    process.stderr.write(`\r${line.padEnd(this.#progressLength)}`);
    this.#progressLength = line.length;
  }

  endProgress(): void {
    if (this.#progressLength > 0) process.stderr.write(`\r${" ".repeat(this.#progressLength)}\r`);
    this.#progressLength = 0;
  }

  /** All of stdin, which can be read once. */
  async readInput(): Promise<string> {
    requireUsage(!this.#inputTaken, "only one argument can be -, since there is one standard input");
    this.#inputTaken = true;
    return text(process.stdin);
  }

  /** For an interactive terminal only. @throws CommandError DECLINED if the person interrupts, or the input ends. */
  async ask(question: string): Promise<string> {
    return this.#ask(question, process.stderr, () => {});
  }

  /** The same, without showing what is typed. */
  async askHidden(question: string): Promise<string> {
    const shown = new Writable({ write: (_chunk, _encoding, done) => done() });
    process.stderr.write(question);
    return this.#ask("", shown, () => process.stderr.write("\n"));
  }

  async #ask(question: string, output: NodeJS.WritableStream, done: () => void): Promise<string> {
    this.endProgress();
    const reader = createInterface({ input: process.stdin, output, terminal: true });
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
