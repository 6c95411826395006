import { createRequire } from "node:module";
import { parseArgs } from "node:util";
import { COMMON_OPTIONS, type Command } from "./command.ts";
import { commands } from "./commands.ts";
import { Context, toJson, type Values } from "./context.ts";
import { CommandError, requireUsage } from "./errors.ts";
import { EXIT } from "./exit-codes.ts";
import { reportOf } from "./failure.ts";
import { commandHelp, mainHelp } from "./help.ts";
import { type Streams, Terminal } from "./terminal.ts";

/**
 * Runs the command that `args` name. It never throws: a failure is a line on stderr, as JSON with `--json`.
 *
 * @returns the exit code.
 */
export async function run(args: readonly string[], streams: Streams): Promise<number> {
  const terminal = new Terminal(streams);
  const [name, ...rest] = args;
  if (name === undefined || name === "--help" || name === "-h" || name === "help") {
    const asked = commands.find((command) => name === "help" && command.name === rest[0]);
    printLines(terminal, asked ? commandHelp(asked) : mainHelp(commands));
    return name === undefined ? EXIT.usage : EXIT.ok;
  }
  if (name === "--version") {
    terminal.print(version());
    return EXIT.ok;
  }
  try {
    const command = commands.find((each) => each.name === name);
    requireUsage(command, "this command does not exist; see ethers-hsm --help");
    const { values, positionals } = parse(command, rest);
    if (values["help"]) {
      printLines(terminal, commandHelp(command));
      return EXIT.ok;
    }
    return await command.run(new Context(terminal, values, positionals));
  } catch (error) {
    return fail(terminal, error, rest.includes("--json"));
  }
}

function parse(command: Command, args: readonly string[]): { values: Values; positionals: readonly string[] } {
  const options = { ...COMMON_OPTIONS, ...command.options };
  try {
    const known = Object.fromEntries(
      Object.entries(options).map(([name, { type, short, multiple = false }]) => [
        name,
        { type, multiple, ...(short ? { short } : {}) },
      ]),
    );
    const { values, positionals, tokens } = parseArgs({
      ...{ args: [...args], options: known },
      ...{ allowPositionals: command.argument !== undefined, strict: true, tokens: true },
    });
    const names = tokens.flatMap((token) => (token.kind === "option" ? [token.name] : []));
    const twice = names.find((name, index) => names.indexOf(name) !== index && !options[name]?.multiple);
    requireUsage(twice === undefined, `--${twice} is there twice`);
    return { values: values as Values, positionals };
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw new CommandError("USAGE", `${explain(error)}; see ethers-hsm ${command.name} --help`);
  }
}

/** parseArgs repeats what was written, which may be a secret in the wrong place: only what looks like an option is shown. */
function explain(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL") return "this command takes no argument beside its options";
  const sentence = message.replace(/(\. |\n).*$/s, "").replace(/=.*?(?='|$)/, "");
  const [, quoted] = /'(.*)'/s.exec(sentence) ?? [];
  const isOption = quoted === undefined || /^(?:-[a-z], )?--?[a-z][a-z-]{0,30}(?: <value>)?$/.test(quoted);
  return isOption ? sentence : "an option is unknown";
}

function printLines(terminal: Terminal, text: string): void {
  for (const line of text.split("\n")) terminal.print(line);
}

function fail(terminal: Terminal, error: unknown, json: boolean): number {
  const { exitCode, ...report } = reportOf(error);
  if (json) terminal.note(toJson({ error: { ...report, exitCode } }));
  else terminal.note(`ethers-hsm: ${report.message}${report.code === "USAGE" ? "" : ` [${report.code}]`}`);
  return exitCode;
}

function version(): string {
  const { version } = createRequire(import.meta.url)("ethers-hsm/package.json") as { readonly version: string };
  return version;
}
