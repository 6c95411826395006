import { execFile, spawn } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { cp, mkdir, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import { jest } from "@jest/globals";

export interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly input?: string | undefined;
}

/** What a person at the terminal types once `prompt` is on the screen. */
export interface Answer {
  readonly prompt: string;
  readonly typed: string;
}

// Each run is a process that loads an SDK, beside everything else that the machine does.
jest.setTimeout(180_000);

// Nothing may look for credentials on this machine or in its network.
const ENVIRONMENT: Readonly<Record<string, string>> = {
  PATH: process.env["PATH"] ?? "",
  HOME: "/nonexistent",
  SOFTHSM2_CONF: process.env["SOFTHSM2_CONF"] ?? "",
  AWS_EC2_METADATA_DISABLED: "true",
  AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
  AWS_CONFIG_FILE: "/nonexistent/config",
  AWS_SHARED_CREDENTIALS_FILE: "/nonexistent/credentials",
};

/** The command as the package would carry it, bundled from the source, as a process of its own. */
export class CommandLine {
  readonly #folder: string;
  readonly #env: Readonly<Record<string, string>>;

  private constructor(folder: string, env: Readonly<Record<string, string>>) {
    this.#folder = folder;
    this.#env = env;
  }

  static async build(): Promise<CommandLine> {
    // Inside of the project, so that its packages are found.
    const cache = resolve(".cache");
    await mkdir(cache, { recursive: true });
    const folder = mkdtempSync(join(cache, "cli-"));
    // Of scripts/coverage.mjs: the same bundle, which counts what of it runs.
    const counting = process.env["ETHERS_HSM_COVERAGE"];
    if (counting !== undefined) {
      await cp(join(counting, "bundle"), folder, { recursive: true });
      return new CommandLine(folder, {});
    }
    const entries = ["main=src/cli/main.ts", "pkcs11/isolation/index=src/pkcs11/isolation/index.ts"];
    const options = ["--bundle", "--packages=external", "--platform=node", "--format=esm", "--splitting"];
    // Its program, not its module, which does not run under jest.
    await promisify(execFile)(resolve("node_modules/.bin/esbuild"), [
      ...entries,
      ...[...options, "--target=es2022", `--outdir=${folder}`, "--log-level=error"],
    ]);
    return new CommandLine(folder, {});
  }

  /** The same with more of an environment. */
  with(env: Readonly<Record<string, string>>): CommandLine {
    return new CommandLine(this.#folder, { ...this.#env, ...env });
  }

  get path(): string {
    return join(this.#folder, "main.js");
  }

  async run(args: readonly string[], { env = {}, input = "" }: RunOptions = {}): Promise<Run> {
    const all = { ...ENVIRONMENT, ...this.#env, ...env };
    const child = spawn(process.execPath, [this.path, ...args], { env: all, stdio: "pipe" });
    const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
    child.stdin.on("error", () => {});
    child.stdin.end(input);
    const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
    return { code, stdout, stderr };
  }

  /** The answer to --json: one document, and nothing beside it. */
  async json(args: readonly string[], options?: RunOptions): Promise<Record<string, unknown>> {
    const { code, stdout, stderr } = await this.run([...args, "--json"], options);
    if (code !== 0 || stderr !== "") throw new Error(`ended with ${code}: ${stderr}${stdout}`);
    return JSON.parse(stdout);
  }

  /** Runs it in a pseudo-terminal (script of util-linux), where `answers` are typed. `stdout` is the screen. */
  async atTerminal(args: readonly string[], answers: readonly Answer[], { env = {} }: RunOptions = {}): Promise<Run> {
    const quoted = [process.execPath, this.path, ...args].map((each) => `'${each.replaceAll("'", `'\\''`)}'`).join(" ");
    const child = spawn("script", ["-qec", quoted, "/dev/null"], { env: { ...ENVIRONMENT, ...this.#env, ...env } });
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
