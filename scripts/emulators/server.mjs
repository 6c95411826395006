import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { get } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { isOnPath, run, tail } from "../setup/command.mjs";
import { SetupError } from "../setup/setup-error.mjs";
import { relayTo } from "./relay.mjs";

/**
 * A server that runs on loopback.
 *
 * @typedef {{ readonly url: string, stop(): Promise<void> }} RunningServer
 */

/**
 * What to run, once it is known on which port and with which folder for its data.
 *
 * @typedef {(at: { port: number, folder: string }) => { program: string, args: string[], env?: NodeJS.ProcessEnv }} Command
 */

const KEEPER = fileURLToPath(new URL("keeper.mjs", import.meta.url));
// A busy machine takes its time.
const STARTING_TIME = 180_000;

/**
 * Starts a server that can be told to listen on 127.0.0.1 only, on a port that it chooses (0) and writes in its address.
 *
 * @param {Command} command
 * @returns {Promise<RunningServer>}
 */
export async function startServer(command) {
  const folder = temporaryFolder();
  const { program, args, env } = command({ port: 0, folder });
  /** @param {string} output */
  const findUrl = (output) => /http:\/\/127\.0\.0\.1:[1-9]\d*/.exec(output)?.[0];
  return start([process.execPath, KEEPER, program, ...args], env, findUrl, async () => {
    rmSync(folder, { recursive: true, force: true });
  });
}

/**
 * Starts a server that listens on all interfaces: in a network namespace of its own, which has none but loopback. A port of
 * this machine's 127.0.0.1 leads to it through a Unix socket.
 *
 * @param {Command} command
 * @returns {Promise<RunningServer>}
 */
export async function startConfinedServer(command) {
  const folder = temporaryFolder();
  const socket = join(folder, "relay");
  const port = 8080;
  const { program, args, env } = command({ port, folder });
  const relay = createServer(relayTo({ path: socket })).listen(0, "127.0.0.1");
  await once(relay, "listening");
  const { port: outerPort } = /** @type {import("node:net").AddressInfo} */ (relay.address());
  const confined = { ...env, RELAY_SOCKET: socket, RELAY_PORT: String(port) };
  const keeper = ["unshare", "--net", "--map-root-user", process.execPath, KEEPER, program, ...args];
  return start(
    keeper,
    confined,
    () => `http://127.0.0.1:${outerPort}`,
    async () => {
      relay.close();
      rmSync(folder, { recursive: true, force: true });
    },
  );
}

/** @returns {string | undefined} why {@link startConfinedServer} cannot work on this machine */
export function confinementMissing() {
  for (const program of ["unshare", "ip"]) {
    if (!isOnPath(program)) return `the program ${program} (Debian: util-linux, iproute2) is missing`;
  }
  if (run("unshare", ["--net", "--map-root-user", "ip", "link", "set", "lo", "up"]).ok) return undefined;
  return "this system lets no user make a network namespace";
}

/**
 * @param {string[]} command
 * @param {NodeJS.ProcessEnv | undefined} env
 * @param {(output: string) => string | undefined} findUrl what it wrote so far may say where it listens
 * @param {() => Promise<void>} cleanUp
 * @returns {Promise<RunningServer>}
 */
async function start([program = "", ...args], env, findUrl, cleanUp) {
  const keeper = spawn(program, args, { env: { ...process.env, ...env }, stdio: ["pipe", "pipe", "pipe"] });
  const closed = once(keeper, "close");
  let ended = false;
  keeper.on("close", () => {
    ended = true;
  });
  let output = "";
  for (const stream of [keeper.stdout, keeper.stderr]) {
    stream.setEncoding("utf8").on("data", (text) => {
      output = (output + text).slice(-10_000);
    });
  }
  const stop = async () => {
    keeper.stdin.end();
    await closed;
    await cleanUp();
  };
  const deadline = Date.now() + STARTING_TIME;
  for (;;) {
    const url = findUrl(output);
    if (url !== undefined && (await answers(url))) return { url, stop };
    if (ended || Date.now() > deadline) {
      await stop();
      throw new SetupError(`${args.join(" ")} did not start:\n${tail(output)}`);
    }
    await delay(100);
  }
}

/**
 * @param {string} url
 * @returns {Promise<boolean>} whether something speaks HTTP there, whatever it says
 */
function answers(url) {
  return new Promise((resolve) => {
    const request = get(url, { agent: false, timeout: 1_000 }, (response) => {
      response.resume();
      resolve(true);
    });
    request.on("timeout", () => request.destroy());
    request.on("error", () => resolve(false));
  });
}

function temporaryFolder() {
  return mkdtempSync(join(tmpdir(), "ethers-hsm-emulator-"));
}
