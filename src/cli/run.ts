import { createRequire } from "node:module";
import { parseArgs } from "node:util";
import { COMMON_OPTIONS, type Command } from "./command.ts";
import { commands } from "./commands.ts";
import { Context, toJson, type Values } from "./context.ts";
import { EXIT } from "./exit-codes.ts";
import { reportOf } from "./failure.ts";
import { commandHelp, mainHelp } from "./help.ts";
import { Terminal } from "./terminal.ts";
import { UsageError } from "./usage-error.ts";

/**
 * Runs the command that `args` name. It never throws: a failure is a line on stderr, as JSON with `--json`.
 *
 * @returns the exit code.
 */
export async function run(args: readonly string[]): Promise<number> {
  const terminal = new Terminal();
  const [name, ...rest] = args;
  if (name === undefined || name === "--help" || name === "-h" || name === "help") {
    const asked = commands.find((command) => name === "help" && command.name === rest[0]);
    terminal.print(asked ? commandHelp(asked) : mainHelp(commands));
    return name === undefined ? EXIT.usage : EXIT.ok;
  }
  if (name === "--version") {
    terminal.print(version());
    return EXIT.ok;
  }
  try {
    const command = commands.find((each) => each.name === name);
    if (!command) throw new UsageError(`there is no such command; see ethers-hsm --help`);
    const { values, positionals } = parse(command, rest);
    if (values["help"]) {
      terminal.print(commandHelp(command));
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
      Object.entries(options).map(([name, { type, short }]) => [name, { type, ...(short ? { short } : {}) }]),
    );
    const { values, positionals, tokens } = parseArgs({
      ...{ args: [...args], options: known },
      ...{ allowPositionals: command.argument !== undefined, strict: true, tokens: true },
    });
    const names = tokens.flatMap((token) => (token.kind === "option" ? [token.name] : []));
    const twice = names.find((name, index) => names.indexOf(name) !== index);
    if (twice !== undefined) throw new UsageError(`--${twice} is there twice`);
    return { values: values as Values, positionals };
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`${explain(error)}; see ethers-hsm ${command.name} --help`);
  }
}

/** parseArgs repeats what was written, which may be a secret in the wrong place: of a stray argument nothing is shown. */
function explain(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL") return "this command takes no argument beside its options";
  const sentence = message.replace(/(\. |\n).*$/s, "");
  return sentence.replace(/=.*?(?='|$)/, "");
}

function fail(terminal: Terminal, error: unknown, json: boolean): number {
  const { exitCode, ...report } = reportOf(error);
  if (json) terminal.note(toJson({ error: { ...report, exitCode } }));
  else terminal.note(`ethers-hsm: ${report.message}${report.code === "UsageError" ? "" : ` [${report.code}]`}`);
  return exitCode;
}

function version(): string {
  const { version } = createRequire(import.meta.url)("ethers-hsm/package.json") as { readonly version: string };
  return version;
}
