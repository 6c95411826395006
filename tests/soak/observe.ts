import { setTimeout } from "node:timers/promises";
import type { Tally } from "./tally.ts";

export interface Watched {
  /** Who is counted. */
  readonly who: string;
  /** What is asked. */
  readonly what: string;
  /** The codes that a failure may have now; asked when it fails. */
  readonly allowed: () => readonly string[];
  /** After so many milliseconds without an answer the call counts as lost: far more than its deadline. */
  readonly limitMs: number;
  /** What it is aborted with, if it is. */
  readonly reason?: unknown;
}

/** Waits for one call, counts what came of it, and complains about what may not be. */
export async function observe(tally: Tally, call: () => Promise<boolean>, watched: Watched): Promise<void> {
  const { who, what, limitMs } = watched;
  const begun = performance.now();
  const settled = new AbortController();
  tally.inFlight += 1;
  const lost = setTimeout(limitMs, undefined, { signal: settled.signal, ref: false }).then(
    () => {
      if (!tally.heartbeat.wasStarved(begun)) tally.violate(`${who}: a call had no answer after ${limitMs} ms`);
    },
    () => {},
  );
  try {
    if (await call()) tally.count(who, "ok");
    else tally.violate(`${who}: a wrong signature (${what})`);
  } catch (error) {
    judge(tally, error, begun, watched);
  } finally {
    // Those that were given up do not count any more.
    tally.inFlight = Math.max(0, tally.inFlight - 1);
    tally.longestWaitMs = Math.max(tally.longestWaitMs, performance.now() - begun);
    settled.abort();
    await lost;
  }
}

function judge(tally: Tally, error: unknown, begun: number, { who, allowed, reason }: Watched): void {
  if (reason !== undefined && error === reason) {
    tally.count(who, "aborted");
    return;
  }
  const code = codeOf(error);
  const message = error instanceof Error ? error.message : String(error);
  const isAllowed = allowed().includes(code);
  if (!isAllowed && code === "BACKEND_TIMEOUT" && tally.heartbeat.wasStarved(begun)) {
    tally.count(who, "late: this process had no time");
    return;
  }
  tally.count(who, code);
  tally.note(`${who} ${code}`, message);
  if (!isAllowed) tally.violate(`${who}: a call failed with ${code}, which it may not: ${message}`);
}

/** The SignerError's code, also behind an error of the EIP-1193 provider; else its own. */
function codeOf(error: unknown): string {
  const { code, cause } = (error ?? {}) as { code?: unknown; cause?: { code?: unknown } };
  if (typeof code === "number" && typeof cause?.code === "string") return cause.code;
  return code === undefined ? "no code" : String(code);
}
