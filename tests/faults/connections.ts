import { setTimeout } from "node:timers/promises";
import type { ServerProcess } from "../servers/process/server-process.ts";

/** Waits until the server has no more than `most` connections; a test that waits in vain runs into its own time limit. */
export async function atMost(server: ServerProcess, most: number): Promise<void> {
  while ((await server.stats()).openConnections > most) await setTimeout(20);
}

/** Waits until the server has no connection left. */
export async function noneOpen(server: ServerProcess): Promise<void> {
  await atMost(server, 0);
}
