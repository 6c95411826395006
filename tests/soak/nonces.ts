import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout } from "node:timers/promises";
import { id, parseEther, Wallet } from "ethers";
import { postgresPrograms, redisServer } from "../../scripts/setup/databases.mjs";
import { withNonces } from "../../src/nonces/nonce-signer.ts";
import { RemoteSigner } from "../../src/signer/remote-signer.ts";
import type { Job } from "../nonces/programs/worker.ts";
import { WORDS, type Words } from "../nonces/support/fake-chain.ts";
import { NodeProxy } from "../nonces/support/node-proxy.ts";
import { clients } from "../nonces/support/shared-stores.ts";
import { startAnvil } from "../support/anvil.ts";
import { startPostgres, startRedis } from "../support/databases.ts";
import { MemoryKey } from "../support/memory-key.ts";
import { bundlePrograms, NONCES_WORKER } from "../support/programs.ts";

const CLIENTS = ["pg", "ioredis"] as const;
/** Processes of each account, and milliseconds between two payments of one. */
const [PROCESSES, PAUSE] = [2, 1_500];
const BETWEEN_STRIKES = 6_000;
const HANG = 4_000;
/** Of every broadcast's chances. */
const [LOST, UNANSWERED, REFUSED] = [0.05, 0.05, 0.02];
const KEYS = 1_000;

/**
 * Two accounts, one counted in Postgres and one in Redis, from each of which processes send all the time. Every few seconds one of them is killed
 * and started again, or stopped for a while; nodes lose and refuse. In the end each payment was made once.
 *
 * @param complain of what the chain shows.
 */
export async function openNonces(complain: (text: string) => void) {
  process.env["ETHERS_HSM_POSTGRES_PROGRAMS"] = postgresPrograms() ?? "";
  process.env["ETHERS_HSM_REDIS_SERVER"] = redisServer() ?? "";
  bundlePrograms();
  const [anvil, postgres, redis] = await Promise.all([startAnvil(), startPostgres(), startRedis()]);
  const proxy = await NodeProxy.start(anvil.url, WORDS["geth"] as Words);
  proxy.fate = () => {
    const chance = Math.random();
    if (chance < LOST) return "lose-request";
    if (chance < LOST + UNANSWERED) return "lose-answer";
    return chance < LOST + UNANSWERED + REFUSED ? "refuse-funds" : "answer";
  };
  const accounts = CLIENTS.map((client) => {
    const [secret, to] = [id(`soak by ${client}`), new Wallet(id(`payee by ${client}`)).address];
    return { client, port: client === "pg" ? postgres.port : redis.port, secret, to };
  });
  for (const { secret } of accounts) await anvil.fund(new Wallet(secret).address, parseEther("100"));
  // The schema, before several processes use it.
  const stores = await Promise.all(accounts.map(({ client, port }) => clients[client](port)));
  const senders = accounts.flatMap((account, index) =>
    Array.from({ length: PROCESSES }, (_, process) => {
      return new Sender({ ...account, rpc: proxy.url, grace: 2_000, pause: PAUSE }, `${index} ${process}`, complain);
    }),
  );
  // One that is stopped would not notice that this process ended.
  process.once("exit", () => {
    for (const sender of senders) sender.abandon();
  });
  const strikes = { kills: 0, hangs: 0 };
  const stopping = new AbortController();
  const striking = strike();

  async function strike(): Promise<void> {
    for (;;) {
      await setTimeout(BETWEEN_STRIKES * (0.5 + Math.random()), undefined, stopping).catch(() => {});
      if (stopping.signal.aborted) return;
      const victim = senders[Math.floor(Math.random() * senders.length)];
      const isKill = Math.random() < 0.7;
      if (isKill) await victim?.kill();
      else await victim?.hang(HANG);
      strikes[isKill ? "kills" : "hangs"] += 1;
    }
  }

  return {
    /** Ends the processes, and compares the chain with what they were told. @returns figures. */
    async close(): Promise<Readonly<Record<string, number>>> {
      stopping.abort();
      await striking;
      await Promise.all(senders.map((sender) => sender.end()));
      proxy.fate = () => "answer";
      const figures: Record<string, number> = { ...strikes };
      for (const [index, { client, secret, to }] of accounts.entries()) {
        const { store, close } = stores[index] as (typeof stores)[number];
        const provider = anvil.provider();
        const signer = withNonces(new RemoteSigner(new MemoryKey(secret), provider), store, { grace: 0 });
        const own = senders.filter((sender) => sender.job.client === client);
        await signer.reconcile({ fill: true });
        // What a process was at when it ended.
        for (const { nextKey } of own) {
          await signer.sendTransaction({ to, value: 1n, customData: { idempotencyKey: nextKey } });
        }
        await signer.reconcile({ fill: true });
        const payments = own.reduce((sum, { sent }) => sum + sent + 1, 0);
        const paid = await provider.getBalance(to);
        if (paid !== BigInt(payments)) complain(`${client}: ${paid} payments were made instead of ${payments}`);
        const [latest, pending] = await Promise.all(
          ["latest", "pending"].map((block) => provider.getTransactionCount(signer, block)),
        );
        const { next, open } = await signer.records();
        if (latest !== pending || latest !== next) complain(`${client}: nonces ${latest}, ${pending} and ${next}`);
        const unsettled = open.filter(({ state, nonce }) => state !== "mined" && nonce < next);
        if (unsettled.length > 0) complain(`${client}: ${unsettled.length} records below the next nonce are not mined`);
        figures[`payments by ${client}`] = payments;
        figures[`transactions by ${client}`] = latest ?? 0;
        await close();
      }
      await proxy.close();
      await Promise.all([anvil.stop(), postgres.stop(), redis.stop()]);
      return figures;
    },
  };
}

/** A process that sends one payment after the other, and its successors. */
class Sender {
  readonly job: Omit<Job, "keys">;
  /** Payments of which it was told that they were sent. */
  sent = 0;
  readonly #name: string;
  readonly #complain: (text: string) => void;
  #process: ChildProcess;
  #isEnding = false;

  constructor(job: Omit<Job, "keys">, name: string, complain: (text: string) => void) {
    this.job = job;
    this.#name = name;
    this.#complain = complain;
    this.#process = this.#start();
  }

  get nextKey(): string {
    return `${this.#name} ${this.sent}`;
  }

  async kill(): Promise<void> {
    await this.end();
    this.#isEnding = false;
    this.#process = this.#start();
  }

  async hang(milliseconds: number): Promise<void> {
    this.#process.kill("SIGSTOP");
    await setTimeout(milliseconds);
    this.#process.kill("SIGCONT");
  }

  abandon(): void {
    this.#process.kill("SIGKILL");
  }

  async end(): Promise<void> {
    this.#isEnding = true;
    const ended = once(this.#process, "close");
    this.#process.kill("SIGKILL");
    await ended;
  }

  #start(): ChildProcess {
    const keys = Array.from({ length: KEYS }, (_, index) => `${this.#name} ${this.sent + index}`);
    const job: Job = { ...this.job, keys };
    const child = spawn(process.execPath, [NONCES_WORKER, JSON.stringify(job)], { stdio: ["pipe", "pipe", "inherit"] });
    const ended = once(child, "close");
    ended.then(() => {
      if (!this.#isEnding && this.#process === child) this.#complain(`the sender ${this.#name} ended`);
    });
    createInterface({ input: child.stdout }).on("line", (key) => {
      // After the last of its keys it writes a summary, and ends.
      if (key === this.nextKey) this.sent += 1;
      else this.#complain(`the sender ${this.#name} wrote ${key} instead of ${this.nextKey}`);
    });
    return child;
  }
}
