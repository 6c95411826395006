import { execFile, spawn } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { cp, mkdir, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import { type Answer, CommandLine, type Environment, type Run, type RunOptions } from "./command.ts";

/** The command as the package would carry it, bundled from the source, as a process of its own. */
export class CommandProcess extends CommandLine {
  readonly #folder: string;

  private constructor(folder: string, env: Environment) {
    super(env);
    this.#folder = folder;
  }

  static async build(env: Environment = {}): Promise<CommandProcess> {
    // Inside of the project, so that its packages are found.
    const cache = resolve(".cache");
    await mkdir(cache, { recursive: true });
    const folder = mkdtempSync(join(cache, "cli-"));
    // Of scripts/coverage.mjs: the same bundle, which counts what of it runs.
    const counting = process.env["ETHERS_HSM_COVERAGE"];
    if (counting !== undefined) {
      await cp(join(counting, "bundle"), folder, { recursive: true });
      return new CommandProcess(folder, env);
    }
    const entries = ["main=src/cli/main.ts", "pkcs11/isolation/index=src/pkcs11/isolation/index.ts"];
    const options = ["--bundle", "--packages=external", "--platform=node", "--format=esm", "--splitting"];
    // Its program, not its module, which does not run under jest.
    await promisify(execFile)(resolve("node_modules/.bin/esbuild"), [
      ...entries,
      ...[...options, "--target=es2022", `--outdir=${folder}`, "--log-level=error"],
    ]);
    return new CommandProcess(folder, env);
  }

  get path(): string {
    return join(this.#folder, "main.js");
  }

  override async run(args: readonly string[], { env = {}, input = "" }: RunOptions = {}): Promise<Run> {
    const child = spawn(process.execPath, [this.path, ...args], { env: { ...this.env, ...env }, stdio: "pipe" });
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
    const quoted = [process.execPath, this.path, ...args].map((each) => `'${each.replaceAll("'", `'\\''`)}'`).join(" ");
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

  async remove(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }
}
