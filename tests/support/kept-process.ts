import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";

// A server would survive a parent that dies without saying so. This one sits between: it notices by the end of its stdin.
const KEEPER = `
  const { spawn } = require("node:child_process");
  const [ids, command, ...parameters] = process.argv.slice(1);
  const server = spawn(command, parameters, { stdio: ["ignore", "inherit", "inherit"], ...JSON.parse(ids) });
  const end = () => server.kill("SIGKILL");
  server.on("error", (error) => { console.error(error.message); process.exit(1); });
  server.on("exit", () => process.exit());
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, end);
  process.stdin.on("end", end).resume();
`;

/** Whom a server runs as, where this process is root's. */
export interface User {
  readonly uid?: number;
  readonly gid?: number;
}

/** A server that ends with this process. */
export interface KeptProcess {
  stop(): Promise<void>;
}

/** Starts a server, and waits until its output matches `isReady`. */
export async function startKept(
  [command, ...parameters]: readonly [string, ...string[]],
  isReady: RegExp,
  user: User = {},
): Promise<KeptProcess> {
  const keeper = spawn(process.execPath, ["-e", KEEPER, JSON.stringify(user), command, ...parameters]);
  const closed = once(keeper, "close");
  await readUntil(keeper, isReady);
  return {
    async stop() {
      keeper.stdin.end();
      await closed;
    },
  };
}

/** Afterwards the streams are drained, or the server would block on a full pipe. */
async function readUntil({ stdout, stderr }: ChildProcessWithoutNullStreams, isReady: RegExp): Promise<void> {
  let output = "";
  await new Promise<void>((resolve, reject) => {
    for (const stream of [stdout, stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        output += text;
        if (isReady.test(output)) resolve();
      });
    }
    stdout.once("end", () => reject(new Error(`the server ended before it was ready:\n${output}`)));
  });
}
