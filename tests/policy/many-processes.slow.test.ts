import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { id } from "ethers";
import { type Database, missingDatabase, startPostgres, startRedis } from "../support/databases.ts";
import type { Job } from "./programs/worker.ts";
import { limitStoreContract } from "./support/limit-store-contract.ts";
import { clients, type OpenLimits } from "./support/shared-limits.ts";
import { signedAgainTests } from "./support/signed-again.ts";

const WORKER = join(import.meta.dirname, "programs/worker.ts");
const STEPS: readonly NonNullable<Job["kill"]>[] = [
  "before the hold",
  "held, and the answer is lost",
  "before the key signs",
  "signed, before it is settled",
  "settled, and the answer is lost",
];

/** The wei of each signature that left the process. */
async function run(job: Job): Promise<number[]> {
  const worker = spawn(process.execPath, ["--import", "tsx", WORKER, JSON.stringify(job)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [output, [code, signal]] = await Promise.all([text(worker.stdout), once(worker, "exit")]);
  expect(job.kill ? signal : code).toBe(job.kill ? "SIGKILL" : 0);
  return output.split("\n").filter(Boolean).map(Number);
}

const sum = (amounts: readonly number[]) => amounts.reduce((all, each) => all + each, 0);
const range = (from: number, count: number) => Array.from({ length: count }, (_, index) => from + index);

describe.each([
  ["pg", "Postgres"],
  ["ioredis", "Redis"],
] as const)("by %s", (client, name) => {
  const isMissing = missingDatabase(name) !== undefined;
  const describeWithServer = isMissing ? describe.skip : describe;

  describeWithServer(name, () => {
    let server: Database;
    let stores: readonly OpenLimits[];
    beforeAll(async () => {
      server = name === "Postgres" ? await startPostgres() : await startRedis();
      stores = [await clients[client](server.port), await clients[client](server.port)];
    });
    afterAll(async () => {
      for (const { close } of stores) await close();
      await server.stop();
    });

    let opened = 0;
    limitStoreContract(() => (stores[opened++ % 2] as OpenLimits).store);
    signedAgainTests(() => (stores[0] as OpenLimits).store);

    test("200 sends at once over 4 processes never exceed the limit, and use it up", async () => {
      const common = { client, port: server.port, secret: id("many"), limit: { name: "shared", amount: 300 } };
      const signed = await Promise.all(range(0, 4).map((worker) => run({ ...common, nonces: range(50 * worker, 50) })));
      const total = sum(signed.flat());
      expect(total).toBeLessThanOrEqual(300);
      expect(total).toBeGreaterThan(295);
    }, 120_000);

    test.each(STEPS)(
      "killed %s, the limit is only stricter",
      async (kill) => {
        const common = {
          client,
          port: server.port,
          secret: id("killed"),
          limit: { name: `killed ${kill}`, amount: 10 },
        };
        const before = await run({ ...common, nonces: range(0, 5), kill });
        // All others send 1 wei each: nonces that are divisible by 5.
        const after = await run({ ...common, nonces: range(20, 20).map((index) => 5 * index) });
        const total = sum([...before, ...after]);
        expect(total).toBeLessThanOrEqual(10);
        expect(total).toBeGreaterThanOrEqual(9);
      },
      120_000,
    );
  });
});
