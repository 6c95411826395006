import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { COMMAND } from "../../support/programs.ts";
import { type Answer, CommandLine, type Run, type RunOptions } from "./command.ts";

/** The command as the package would carry it, as a process of its own. */
export class CommandProcess extends CommandLine {
  override async run(args: readonly string[], { env = {}, input = "" }: RunOptions = {}): Promise<Run> {
    const child = spawn(process.execPath, [COMMAND, ...args], { env: { ...this.env, ...env }, stdio: "pipe" });
    const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
    child.stdin.on("error", () => {});
    child.stdin.end(input);
    const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
    return { code, stdout, stderr };
  }

  /** Runs it in a pseudo-terminal (script of util-linux), where `answers` are typed. `stdout` is the screen. */
  override async atTerminal(
    args: readonly string[],
    answers: readonly Answer[],
    { env = {} }: RunOptions = {},
  ): Promise<Run> {
    const quoted = [process.execPath, COMMAND, ...args].map((each) => `'${each.replaceAll("'", `'\\''`)}'`).join(" ");
    const child = spawn("script", ["-qec", quoted, "/dev/null"], { env: { ...this.env, ...env } });
    const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
    let screen = "";
    const left = [...answers];
    child.stdin.on("error", () => {});
    child.stdout.setEncoding("utf8").on("data", (data: string) => {
      screen += data;
      const [next] = left;
      if (next === undefined || !screen.includes(next.prompt)) return;
      left.shift();
      // A moment for the command to take over the terminal, as a person needs one too.
      setTimeout(() => child.stdin.write(`${next.typed}\r`), 150);
    });
    const code = await ended;
    return { code, stdout: screen, stderr: "" };
  }
}
