import { type ChildProcess, spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { id, type JsonRpcProvider, parseEther, Wallet } from "ethers";
import { withNonces } from "../../src/nonces/nonce-signer.ts";
import { RemoteSigner } from "../../src/signer/remote-signer.ts";
import { type Anvil, startAnvil } from "../support/anvil.ts";
import { missingDatabase, startPostgres, startRedis } from "../support/databases.ts";
import { MemoryKey } from "../support/memory-key.ts";
import { NONCES_WORKER } from "../support/programs.ts";
import type { Job, Summary } from "./programs/worker.ts";
import { WORDS, type Words } from "./support/fake-chain.ts";
import { NodeProxy } from "./support/node-proxy.ts";
import { clients } from "./support/shared-stores.ts";

let anvil: Anvil;
let provider: JsonRpcProvider;
beforeAll(async () => {
  anvil = await startAnvil();
  provider = anvil.provider();
});
afterAll(() => anvil.stop());

describe.each([
  ["pg", "Postgres"],
  ["ioredis", "Redis"],
] as const)("8 processes by %s", (client, name) => {
  const testWithServer = missingDatabase(name) === undefined ? test : test.skip;

  testWithServer(
    "100 sends each, with keys and nodes of which 30 % fail: each payment is made once, and no nonce is left out",
    async () => {
      const server = name === "Postgres" ? await startPostgres() : await startRedis();
      const proxy = await NodeProxy.start(anvil.url, WORDS["geth"] as Words);
      proxy.fate = () => {
        const chance = Math.random();
        if (chance < 0.1) return "lose-request";
        if (chance < 0.2) return "lose-answer";
        return chance < 0.3 ? "refuse-funds" : "answer";
      };
      const secret = id(`many processes by ${client}`);
      const [{ address }, { address: to }] = [new Wallet(secret), new Wallet(id(`their payee by ${client}`))];
      await anvil.fund(address, parseEther("10"));
      const common = { client, port: server.port, rpc: proxy.url, secret, to, grace: 2_000, failingKey: 0.3 };
      const jobs = Array.from({ length: 8 }, (_, worker) => {
        return { ...common, keys: Array.from({ length: 100 }, (_, index) => `${worker} ${index}`) };
      });
      const summaries = await Promise.all(
        jobs.map(async (job) => {
          const worker = start(job);
          return JSON.parse(await text(worker.stdout as NonNullable<typeof worker.stdout>)) as Summary;
        }),
      );
      const open = await clients[client](server.port);
      proxy.fate = () => "answer";
      const signer = withNonces(new RemoteSigner(new MemoryKey(secret), provider), open.store, { grace: 0 });
      await signer.reconcile({ fill: true });
      await signer.reconcile({ fill: true });
      const count = await provider.getTransactionCount(address);
      const hashes = summaries.flatMap((summary) => summary.hashes);
      expect(new Set(hashes).size).toBe(800);
      expect(await provider.getBalance(to)).toBe(800n);
      expect(await provider.getTransactionCount(address, "pending")).toBe(count);
      // Holes below others are filled by other payments, rarely by one of 0 wei.
      expect(count).toBeGreaterThanOrEqual(800);
      const signatures = summaries.reduce((sum, summary) => sum + summary.signatures, 0);
      expect(signatures).toBeLessThan(4 * 800);
      await open.close();
      await proxy.close();
      await server.stop();
    },
    600_000,
  );
});

function start(job: Job): ChildProcess {
  return spawn(process.execPath, [NONCES_WORKER, JSON.stringify(job)], { stdio: ["pipe", "pipe", "inherit"] });
}
