// The nonces' part of the soak, in a process of its own, whose timers and sockets the samples of main.ts would count. It goes on until its input
// ends, and then writes what came of it as JSON: sleep 3600 | npx tsx tests/soak/nonces-main.ts

import { once } from "node:events";
import { openNonces } from "./nonces.ts";

/** What it writes. */
export interface NoncesOutcome {
  readonly figures: Readonly<Record<string, number>>;
  readonly complaints: readonly string[];
}

const complaints: string[] = [];
const nonces = await openNonces((text) => complaints.push(text));
await once(process.stdin.resume(), "end");
const outcome: NoncesOutcome = { figures: await nonces.close(), complaints };
process.stdout.write(`${JSON.stringify(outcome)}\n`);
process.exit(complaints.length === 0 ? 0 : 1);
