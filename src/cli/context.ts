import { readFile } from "node:fs/promises";
import type { Terminal } from "./terminal.ts";
import { requireUsage, UsageError } from "./usage-error.ts";

export type Values = Readonly<Partial<Record<string, string | boolean>>>;

/** One call of a command: its options, its arguments, and where its output goes. */
export class Context {
  readonly terminal: Terminal;
  readonly json: boolean;
  readonly #values: Values;
  readonly #positionals: readonly string[];

  constructor(terminal: Terminal, values: Values, positionals: readonly string[]) {
    this.terminal = terminal;
    this.json = values["json"] === true;
    this.#values = values;
    this.#positionals = positionals;
  }

  /** The only argument; undefined where there is none. @throws UsageError for two. */
  argument(name: string): string | undefined {
    const [first, ...others] = this.#positionals;
    requireUsage(
      others.length === 0,
      `one ${name} is expected, not ${this.#positionals.length}: quote what has blanks`,
    );
    return first;
  }

  /** @throws UsageError where it is missing. */
  requireArgument(name: string): string {
    const argument = this.argument(name);
    requireUsage(argument !== undefined, `${name} is missing`);
    return argument;
  }

  text(name: string): string | undefined {
    const value = this.#values[name];
    requireUsage(value !== "", `--${name} is empty`);
    return typeof value === "string" ? value : undefined;
  }

  requireText(name: string): string {
    const value = this.text(name);
    requireUsage(value !== undefined, `--${name} is missing`);
    return value;
  }

  flag(name: string): boolean {
    return this.#values[name] === true;
  }

  /** A decimal whole number. */
  count(name: string, largest = Number.MAX_SAFE_INTEGER): number | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const number = /^\d{1,16}$/.test(value) ? Number(value) : Number.NaN;
    requireUsage(number <= largest, `--${name} must be a whole number up to ${largest}`);
    return number;
  }

  /** Of the option, or of the environment. */
  setting(name: string, variable: string): string | undefined {
    return this.text(name) ?? (process.env[variable] || undefined);
  }

  /** The content of a file, or of stdin where the name is `-`. @throws UsageError where it cannot be read. */
  async read(file: string): Promise<string> {
    if (file === "-") return this.terminal.readInput();
    try {
      return await readFile(file, "utf8");
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      throw new UsageError(`the file ${file} cannot be read: ${code}`);
    }
  }

  async readJson(file: string): Promise<unknown> {
    const text = await this.read(file);
    try {
      return JSON.parse(text) as unknown;
    } catch {
      const name = file === "-" ? "the standard input" : `the file ${file}`;
      throw new UsageError(`${name} holds no JSON`);
    }
  }

  /** The result: one JSON document for programs, lines for people. */
  result(document: Readonly<Record<string, unknown>>, lines: readonly string[]): void {
    if (this.json) this.terminal.print(toJson(document));
    else for (const line of lines) this.terminal.print(line);
  }
}

/** On one line; whole numbers of any size as decimal text. */
export function toJson(document: unknown): string {
  return JSON.stringify(document, (_name, value: unknown) => (typeof value === "bigint" ? value.toString() : value));
}
