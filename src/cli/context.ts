import { readFile } from "node:fs/promises";
import { CommandError, requireUsage } from "./errors.ts";
import type { Terminal } from "./terminal.ts";

const DEFAULT_TIMEOUT_SECONDS = 30;
/** The longest delay of a timer, 2^31 - 1 milliseconds. */
const LONGEST_TIMEOUT_SECONDS = 2_147_483;

export type Values = Readonly<Partial<Record<string, string | boolean | readonly string[]>>>;

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

  /** The only argument; undefined if there is none. @throws CommandError USAGE for two. */
  argument(name: string): string | undefined {
    const [first, ...others] = this.#positionals;
    requireUsage(
      others.length === 0,
      `one ${name} is expected, not ${this.#positionals.length}: quote what has blanks`,
    );
    return first;
  }

  /** @throws CommandError USAGE if it is missing. */
  requireArgument(name: string): string {
    const argument = this.argument(name);
    requireUsage(argument !== undefined, `${name} is missing`);
    return argument;
  }

  /** As many arguments as there are names. @throws CommandError USAGE if there are fewer, or more. */
  requireArguments<const Names extends readonly string[]>(names: Names): { readonly [Index in keyof Names]: string } {
    const missing = names[this.#positionals.length];
    requireUsage(missing === undefined, `${missing} is missing`);
    requireUsage(this.#positionals.length === names.length, `only ${names.join(" and ")} are expected`);
    return this.#positionals as unknown as { readonly [Index in keyof Names]: string };
  }

  /** All arguments, of which the first is an action. */
  get arguments(): readonly string[] {
    return this.#positionals;
  }

  /** The values of an option that may be there several times. */
  texts(name: string): readonly string[] {
    const values = this.#values[name];
    return Array.isArray(values) ? values : [];
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

  /** A decimal integer. */
  count(name: string, largest = Number.MAX_SAFE_INTEGER): number | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const number = /^\d{1,16}$/.test(value) ? Number(value) : Number.NaN;
    requireUsage(number <= largest, `--${name} must be an integer up to ${largest}`);
    return number;
  }

  /** The longest wait for one call of the backend or of the node, in milliseconds. @throws CommandError USAGE. */
  get timeout(): number {
    const seconds = this.count("timeout", LONGEST_TIMEOUT_SECONDS) ?? DEFAULT_TIMEOUT_SECONDS;
    requireUsage(seconds !== 0, "--timeout must be 1 second at least");
    return seconds * 1_000;
  }

  /** From the option, or from the environment. */
  setting(name: string, variable: string): string | undefined {
    return this.text(name) ?? (process.env[variable] || undefined);
  }

  /**
   * The content of a file, or of stdin if the name is `-`.
   *
   * @param what the option or the argument, for the message: the name itself is not shown, since it can be a secret in the wrong
   *   place.
   * @throws CommandError USAGE if it cannot be read.
   */
  async read(file: string, what: string): Promise<string> {
    if (file === "-") return this.terminal.readInput();
    try {
      return await readFile(file, "utf8");
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      throw new CommandError("USAGE", `the file that ${what} names cannot be read: ${code}`);
    }
  }

  /** The result: one JSON document for programs, lines for people. */
  result(document: Readonly<Record<string, unknown>>, lines: readonly string[]): void {
    if (this.json) this.terminal.print(toJson(document));
    else for (const line of lines) this.terminal.print(line);
  }
}

/** On one line; a bigint as a decimal string. */
export function toJson(document: unknown): string {
  return JSON.stringify(document, (_name, value: unknown) => (typeof value === "bigint" ? value.toString() : value));
}
