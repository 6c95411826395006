// Everything at once, for as long as one likes: AWS KMS, Azure Key Vault and SoftHSM2 (in this process and in one of its own),
// and sends of each one's account through the EIP-1193 provider to a chain; with aborts, deadlines, throttling, resets, slow
// answers, restarts, and sessions and logins that are lost. Beside it processes that share an account's nonces are killed (nonces.ts).
//
//   npm run soak [-- --minutes 60] [-- --rate 40]
//
// A round takes a minute: ten calm seconds, in which no call may fail (but by its
// deadline, where the machine left this process no time); forty in which one fault after another happens to every
// backend and to the way to the chain; then everything heals, and of each backend the next 20 calls in a row have to succeed.
// When nothing is under way any more, the chain is compared with what the callers were told, and what is in use is measured.
//
// Every signature is checked by ethers' and @noble/curves' verification. In the end each fault must have struck, from three
// rounds on. Ends with exit code 1 where any rule was broken, 130 where it was interrupted.

import { spawn } from "node:child_process";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout } from "node:timers/promises";
import { parseArgs } from "node:util";
import { type Backend, Strikes, Trouble } from "./backend.ts";
import { FAIR } from "./chain-proxy.ts";
import { Load } from "./load.ts";
import type { NoncesOutcome } from "./nonces-main.ts";
import { growthOf, type Sample } from "./samples.ts";
import { Tally } from "./tally.ts";
import { openWorld } from "./world.ts";

const { values } = parseArgs({
  options: { minutes: { type: "string", default: "5" }, rate: { type: "string", default: "40" } },
});
const rate = Number(values.rate);
const CALM_MS = 10_000;
const TROUBLE_MS = 40_000;
const IN_A_ROW = 20;
const CLOSING_MS = 300_000;
/** In so many rounds every disturbance of a backend has its turn. */
const ROUNDS_OF_ALL = 3;
const MOST = 24;
const STORMY = { lostRequests: 0.01, lostAnswers: 0.02, delayMs: 30, outageMs: 60 };
// EIP-1193's for a node that is out of reach, alone of all codes of the chain.
const DISCONNECTED = "4900";

const say = (text: string) => process.stdout.write(`${text}\n`);
const tally = new Tally();
process.on("unhandledRejection", (reason) => tally.violate(`unhandled rejection: ${String(reason)}`));
process.on("warning", ({ name, message }) => tally.violate(`warning: ${name}: ${message}`));
// What else there is ends with this process: its children notice, and its folders are removed at its exit.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));

const world = await openWorld((text) => tally.violate(text)).catch((error: unknown) => {
  say(`the beginning failed: ${shown(error)}`);
  process.exit(1);
});
const { backends, ledger, sends, proxy } = world;
const nonces = spawn(process.execPath, ["--import", "tsx", join(import.meta.dirname, "nonces-main.ts")], {
  stdio: ["pipe", "pipe", "inherit"],
});
const noncesOutput = text(nonces.stdout);
const load = new Load(backends, sends, tally);
const samples: Sample[] = [];
const begun = performance.now();
const end = begun + Number(values.minutes) * 60_000;
const strikes = new Map(backends.map((backend) => [backend, new Strikes(backend)]));
const struck = () => [...strikes.values()].reduce((sum, { total }) => sum + total, 0);
say(`${new Date().toISOString()} ${backends.map(({ name }) => name).join(", ")}: ${values.minutes} minutes, ${rate}/s`);

try {
  do {
    await calm();
    await trouble();
    await settle();
  } while (performance.now() + (CALM_MS + TROUBLE_MS) / 2 < end);
} catch (error) {
  tally.violate(`the run broke off: ${shown(error)}`);
}

const minutes = (performance.now() - begun) / 60_000;
const late = setTimeout(CLOSING_MS).then(() => {
  throw new Error(`it took more than ${CLOSING_MS / 1_000} s`);
});
nonces.stdin.end();
const closing = Promise.all([noncesOutput, world.close()]);
const closed = await Promise.race([closing, late]).catch((error: unknown) => {
  tally.violate(`the end failed: ${shown(error)}`);
  return undefined;
});
const outcome = closed && (JSON.parse(closed[0]) as NoncesOutcome);
for (const complaint of outcome?.complaints ?? []) tally.violate(`nonces: ${complaint}`);
tally.heartbeat.stop();
report();
// Whatever the end left open would keep this process.
process.exit(tally.violations.length === 0 ? 0 : 1);

async function calm(): Promise<void> {
  await load.run(CALM_MS, { rate, most: MOST, allowed: () => [], allowedOfSends: () => [] });
  await drained();
}

async function trouble(): Promise<void> {
  const troubles = new Map([...strikes].map(([backend, counts]) => [backend, new Trouble(backend, counts)]));
  const codes = (backend: Backend) => troubles.get(backend)?.codes ?? [];
  proxy.weather = STORMY;
  const running = [...troubles.values()].map((each) => each.run());
  await load.run(TROUBLE_MS, {
    ...{ rate, most: MOST, allowed: codes },
    allowedOfSends: (backend) => [DISCONNECTED, ...codes(backend)],
  });
  for (const each of troubles.values()) each.stop();
  await Promise.all(running);
  proxy.weather = FAIR;
  await drained();
}

async function settle(): Promise<void> {
  await Promise.all(backends.map((backend) => load.recovers(backend, IN_A_ROW)));
  await drained();
  await ledger.reconcile(sends.take());
  const sample = await world.sample(load.lastingSignal);
  samples.push(sample);
  const { mined, landed } = ledger.totals;
  const { heapKiB, rssMiB, sessions, sockets, descriptors, resources, listeners } = sample;
  if (listeners > 0) tally.violate(`${listeners} listeners are on a signal while nothing is under way`);
  say(
    `${Math.round((performance.now() - begun) / 1_000)} s: ${tally.calls} calls, ${tally.sum("ok")} ok, ` +
      `${tally.sum("aborted")} aborted, ${struck()} strikes, ${mined} mined (${landed} told unknown); heap ${heapKiB} KiB, ` +
      `RSS ${rssMiB} MiB, ${sessions} sessions, ${sockets} sockets, ${descriptors} descriptors, ` +
      `${resources} resources, ${listeners} listeners; ${tally.violations.length} violations`,
  );
}

async function drained(): Promise<void> {
  const left = await load.drain();
  if (left > 0) tally.violate(`${left} calls were never answered`);
}

function report(): void {
  for (const { name } of backends) {
    if (tally.total(name, "aborted") === 0) tally.violate(`${name}: no call was aborted at all`);
    for (const who of [name, `${name}, hasty`, `${name}, sends`]) {
      if (tally.total(who, "ok") === 0) tally.violate(`${who}: no call succeeded at all`);
    }
  }
  const growth = growthOf(samples);
  for (const { what, growth: grown, bound } of growth ?? []) {
    if (grown > bound) tally.violate(`${what} grew by ${grown}, more than ${bound}`);
  }
  const disturbances = [...strikes.values()].flatMap((each) => each.table());
  if (samples.length >= ROUNDS_OF_ALL) {
    for (const { backend, disturbance, strikes: count } of disturbances) {
      if (count === 0) tally.violate(`${backend}: "${disturbance}" never happened`);
    }
  }
  // biome-ignore-start lint/suspicious/noConsole: the tables are what this program is for.
  console.table(tally.table());
  for (const [name, message] of tally.messages) say(`  ${name}: ${message}`);
  console.table(disturbances);
  if (growth) console.table(growth);
  else say(`growth: not measured, since ${samples.length} rounds are too few`);
  console.table([ledger.totals]);
  if (outcome) console.table(outcome.figures);
  // biome-ignore-end lint/suspicious/noConsole: as above.
  const { violations } = tally;
  const skipped = backends.map(({ name }) => `${name} ${load.skipped.get(name) ?? 0}`).join(", ");
  say(`calls that were not begun, since too many were under way: ${skipped}`);
  say(
    `${minutes.toFixed(1)} minutes, ${samples.length} rounds, ${tally.calls} calls, ${struck()} strikes, ` +
      `longest wait ${Math.round(tally.longestWaitMs)} ms, without processor time for ` +
      `${Math.round(tally.heartbeat.starvedMs / 1_000)} s: ${violations.length} rules broken`,
  );
  for (const violation of violations) say(`  ✗ ${violation}`);
}

function shown(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
