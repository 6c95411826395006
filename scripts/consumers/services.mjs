import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** The servers of services-process.ts, running. */
export class Services {
  /**
   * @param {import("node:child_process").ChildProcess} child
   * @param {string} json where they are, for an application
   */
  constructor(child, json) {
    this.child = child;
    this.json = json;
  }

  static async start() {
    const program = fileURLToPath(new URL("services-process.ts", import.meta.url));
    const child = spawn(process.execPath, ["--import", "tsx", program], { stdio: ["pipe", "pipe", "inherit"] });
    for await (const json of createInterface({ input: child.stdout })) return new Services(child, json);
    throw new Error("the servers did not start");
  }

  async stop() {
    const closed = once(this.child, "close");
    this.child.stdin?.end();
    await closed;
  }
}
