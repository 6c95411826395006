import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setRealEnvironment } from "./real-environment.ts";
import { until } from "./until.ts";

/** Where p11-kit is on this machine, as the set-up found it. */
export interface P11KitPaths {
  readonly server: string | undefined;
  readonly client: string | undefined;
}

/**
 * p11-kit's server, which lends one token to this process through a socket: a token that can be out of reach, as one on the
 * network can.
 *
 * The client library reads the socket's address once in a process, when it is loaded: one server per process.
 */
export class P11KitServer {
  /** The client's PKCS#11 library: what is passed as `libraryPath`. */
  readonly libraryPath: string;
  readonly #program: string;
  readonly #module: string;
  readonly #token: string;
  readonly #folder = mkdtempSync(join(tmpdir(), "ethers-hsm-p11-kit-"));
  readonly #socket = join(this.#folder, "pkcs11.sock");
  #process: ChildProcess | undefined;
  #complaints = "";

  private constructor({ server, client }: P11KitPaths, module: string, tokenLabel: string) {
    this.libraryPath = required(client, "p11-kit-client.so");
    this.#program = required(server, "p11-kit-server");
    this.#module = module;
    this.#token = `pkcs11:token=${encodeURIComponent(tokenLabel)}`;
  }

  /** Starts a server that lends the token that `module` shows under this label. */
  static async start(paths: P11KitPaths, module: string, tokenLabel: string): Promise<P11KitServer> {
    const server = new P11KitServer(paths, module, tokenLabel);
    setRealEnvironment("P11_KIT_SERVER_ADDRESS", `unix:path=${server.#socket}`);
    await server.restart();
    return server;
  }

  /** Starts it again, after {@link kill}, at the same address. */
  async restart(): Promise<void> {
    const args = ["--foreground", "--name", this.#socket, "--provider", this.#module, this.#token];
    // The server serves each connection by a process of its own: the group of all of them is what can be killed.
    const child = spawn(this.#program, args, { detached: true, stdio: ["ignore", "ignore", "pipe"] });
    this.#complaints = "";
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#complaints += text;
    });
    this.#process = child;
    await until(() => existsSync(this.#socket) || hasEnded(child));
    this.#requireRunning(child);
  }

  /** Ends the server and every connection to it at once, as a power cut does. */
  async kill(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child?.pid === undefined) return;
    this.#requireRunning(child);
    const exited = once(child, "exit");
    process.kill(-child.pid, "SIGKILL");
    await exited;
    rmSync(this.#socket, { force: true });
  }

  #requireRunning(child: ChildProcess): void {
    if (hasEnded(child))
      throw new Error(`p11-kit-server ended on its own (${child.exitCode ?? child.signalCode}): ${this.#complaints}`);
  }

  /** Kills it and removes its files. */
  async close(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

function required(path: string | undefined, what: string): string {
  if (path === undefined) throw new Error(`p11-kit is missing (${what}). Run \`npm run setup\` first.`);
  return path;
}
