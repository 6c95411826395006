import { PassThrough, Readable, Writable } from "node:stream";
import { run } from "../../../src/cli/run.ts";
import type { Streams } from "../../../src/cli/terminal.ts";

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

export type Environment = Readonly<Record<string, string>>;

// Nothing may look for credentials on this machine or in its network.
const ENVIRONMENT: Environment = {
  PATH: process.env["PATH"] ?? "",
  HOME: "/nonexistent",
  SOFTHSM2_CONF: process.env["SOFTHSM2_CONF"] ?? "",
  AWS_EC2_METADATA_DISABLED: "true",
  AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
  AWS_CONFIG_FILE: "/nonexistent/config",
  AWS_SHARED_CREDENTIALS_FILE: "/nonexistent/credentials",
};

/** The command, called in this process with streams of its own. */
export class CommandLine {
  protected readonly env: Environment;

  constructor(env: Environment = {}) {
    this.env = { ...ENVIRONMENT, ...env };
  }

  async run(args: readonly string[], { env = {}, input = "" }: RunOptions = {}): Promise<Run> {
    const [stdout, stderr] = [new Text(), new Text()];
    const code = await this.#call(args, env, { stdin: Readable.from([input]), stdout, stderr });
    return { code, stdout: stdout.text, stderr: stderr.text };
  }

  /** The answer to --json: one document, and nothing beside it. */
  async json(args: readonly string[], options?: RunOptions): Promise<Record<string, unknown>> {
    const { code, stdout, stderr } = await this.run([...args, "--json"], options);
    if (code !== 0 || stderr !== "") throw new Error(`ended with ${code}: ${stderr}${stdout}`);
    return JSON.parse(stdout);
  }

  /** Runs it where a person types `answers`. `stdout` is the screen. */
  async atTerminal(args: readonly string[], answers: readonly Answer[], { env = {} }: RunOptions = {}): Promise<Run> {
    const stdin = Object.assign(new PassThrough(), { isTTY: true });
    const left = [...answers];
    const screen = new Text((text) => {
      const [next] = left;
      if (next === undefined || !text.includes(next.prompt)) return;
      left.shift();
      setImmediate(() => stdin.write(`${next.typed}\r`));
    });
    const terminal = Object.assign(screen, { isTTY: true });
    const code = await this.#call(args, env, { stdin, stdout: terminal, stderr: terminal });
    return { code, stdout: screen.text, stderr: "" };
  }

  /** One at a time in a file, since all of them have the environment of this process. */
  #call(args: readonly string[], env: Environment, streams: Streams): Promise<number> {
    const call = async () => {
      const before = { ...process.env };
      replaceEnvironment({ ...this.env, ...env });
      try {
        return await run(args, streams);
      } finally {
        replaceEnvironment(before);
      }
    };
    const code = turn.then(call);
    turn = code.catch(() => undefined);
    return code;
  }
}

let turn: Promise<unknown> = Promise.resolve();

function replaceEnvironment(env: NodeJS.ProcessEnv): void {
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, env);
}

class Text extends Writable {
  text = "";

  constructor(onWrite: (text: string) => void = () => {}) {
    super({
      decodeStrings: false,
      write: (chunk, _encoding, done) => {
        this.text += chunk;
        onWrite(this.text);
        done();
      },
    });
  }
}
