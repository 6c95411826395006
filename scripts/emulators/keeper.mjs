// Runs a server for as long as this process's stdin is open, so that it never survives the one who started it.
//
//   node keeper.mjs PROGRAM [ARGUMENT…]
//
// With RELAY_SOCKET and RELAY_PORT in the environment it runs in a network of its own, and passes on what comes through that
// Unix socket to that port: the way in for a server that cannot be told to listen on loopback only.

import { spawn, spawnSync } from "node:child_process";
import { createServer } from "node:net";
import { relayTo } from "./relay.mjs";

const [program = "", ...parameters] = process.argv.slice(2);
const { RELAY_SOCKET: socket, RELAY_PORT: port, ...env } = process.env;

if (socket && port) {
  const { status } = spawnSync("ip", ["link", "set", "lo", "up"], { stdio: "inherit" });
  if (status !== 0) process.exit(1);
  createServer(relayTo({ host: "127.0.0.1", port: Number(port) })).listen(socket);
}

const server = spawn(program, parameters, { env, stdio: ["ignore", "inherit", "inherit"] });
const end = () => server.kill("SIGKILL");
server.on("error", (error) => {
  console.error(error.message);
  process.exit(1);
});
server.on("exit", () => process.exit());
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, end);
process.stdin.on("end", end).resume();
