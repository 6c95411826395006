import { getEventListeners } from "node:events";

/** What is left on a signal: its listeners, and the signals that Node remembers to depend on it. */
export function ties(signal: AbortSignal): number {
  const sets = Object.getOwnPropertySymbols(signal).map((symbol) => Reflect.get(signal, symbol));
  const listeners = getEventListeners(signal, "abort").length;
  return sets.reduce((sum: number, each) => sum + (each instanceof Set ? each.size : 0), listeners);
}
