import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { FromServer, PlannedFault, ServerSetUp, ServerStats, ToServer } from "./protocol.ts";

const PROGRAM = fileURLToPath(new URL("./program.ts", import.meta.url));
const PROJECT = fileURLToPath(new URL("../../../", import.meta.url));
const ATTEMPTS = 10;
const PAUSE_MS = 500;

/** One of the test servers in a process of its own: it can be killed and started again on the same port. */
export class ServerProcess {
  readonly url: string;
  readonly #setUp: ServerSetUp;
  #child: ChildProcess;
  #nextId = 0;

  static async start(setUp: Omit<ServerSetUp, "port">): Promise<ServerProcess> {
    const { child, url } = await launch({ ...setUp, port: 0 });
    return new ServerProcess({ ...setUp, port: Number(new URL(url).port) }, child, url);
  }

  private constructor(setUp: ServerSetUp, child: ChildProcess, url: string) {
    this.#setUp = setUp;
    this.#child = child;
    this.url = url;
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** As a crash: connections are reset, and new ones refused. */
  async kill(): Promise<void> {
    if (!this.isRunning) return;
    const exit = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await exit;
  }

  /** On the same port, with the same keys and without faults. Another process may have the port for a moment. */
  async restart(): Promise<void> {
    await this.kill();
    for (let attempt = 1; ; attempt += 1) {
      try {
        ({ child: this.#child } = await launch(this.#setUp));
        return;
      } catch (error) {
        if (attempt === ATTEMPTS) throw error;
        await setTimeout(PAUSE_MS);
      }
    }
  }

  /** Replaces all faults. */
  async setFaults(faults: readonly PlannedFault[]): Promise<void> {
    await this.#ask({ type: "faults", id: this.#nextId++, faults });
  }

  async stats(): Promise<ServerStats> {
    return this.#ask({ type: "stats", id: this.#nextId++ });
  }

  async #ask(message: Extract<ToServer, { readonly id: number }>): Promise<ServerStats> {
    const child = this.#child;
    return new Promise((resolve, reject) => {
      const end = () => {
        child.off("message", onMessage);
        child.off("exit", onExit);
      };
      const onMessage = (answer: FromServer) => {
        if (answer.type === "failed") {
          end();
          reject(new Error(answer.message));
        } else if (answer.type === "done" && answer.id === message.id) {
          end();
          resolve(answer.stats);
        }
      };
      const onExit = () => {
        end();
        reject(new Error("the server's process ended"));
      };
      child.on("message", onMessage);
      child.on("exit", onExit);
      child.send(message);
    });
  }
}

async function launch(setUp: ServerSetUp): Promise<{ child: ChildProcess; url: string }> {
  const child = fork(PROGRAM, [], { cwd: PROJECT, execArgv: ["--import", "tsx"] });
  const start: ToServer = { type: "start", setUp };
  child.send(start);
  const answer = await Promise.race([
    once(child, "message").then(([message]) => message as FromServer),
    once(child, "exit").then(([code]) => ({ type: "failed", message: `it ended with exit code ${code}` }) as const),
  ]);
  if (answer.type === "listening") return { child, url: answer.url };
  child.kill("SIGKILL");
  throw new Error(`the server did not start: ${answer.type === "failed" ? answer.message : answer.type}`);
}
