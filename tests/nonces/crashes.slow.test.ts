import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { id, type JsonRpcProvider, parseEther, Wallet } from "ethers";
import { memoryNonceStore } from "../../src/nonces/memory-store.ts";
import { withNonces } from "../../src/nonces/nonce-signer.ts";
import type { NonceStore } from "../../src/nonces/store.ts";
import { RemoteSigner } from "../../src/signer/remote-signer.ts";
import { type Anvil, startAnvil } from "../support/anvil.ts";
import { type Database, missingDatabase, startPostgres, startRedis } from "../support/databases.ts";
import { MemoryKey } from "../support/memory-key.ts";
import type { Job } from "./programs/worker.ts";
import { clients, type OpenStore } from "./support/shared-stores.ts";
import { STOP_POINTS, type StopPoint, stopAt } from "./support/stop-points.ts";
import { separate } from "./support/world.ts";

const WORKER = join(import.meta.dirname, "programs/worker.ts");
let anvil: Anvil;
let provider: JsonRpcProvider;
beforeAll(async () => {
  anvil = await startAnvil();
  provider = anvil.provider();
});
afterAll(() => anvil.stop());

let accounts = 0;

/** An account, and a payee that nothing else pays. */
async function createAccount(): Promise<{ readonly secret: string; readonly address: string; readonly to: string }> {
  accounts += 1;
  const secret = id(`crashes ${accounts}`);
  const { address } = new Wallet(secret);
  await anvil.fund(address, parseEther("10"));
  return { secret, address, to: new Wallet(id(`payee ${accounts}`)).address };
}

/** Whether the key's transaction was committed when the send stopped. */
const isCommitted = (point: StopPoint) =>
  STOP_POINTS.indexOf(point) >= STOP_POINTS.indexOf("committed, and the answer is lost");

/**
 * Two other processes send the stopped payment again, with its key, and payments of their own, all at once. Each is made once, nonces
 * are consecutive, and what was committed is not signed again.
 */
async function expectHealed(
  store: NonceStore,
  account: Awaited<ReturnType<typeof createAccount>>,
  point: StopPoint,
): Promise<void> {
  const { secret, address, to } = account;
  const before = await store.read({ chainId: 31337n, address }, { key: "stopped" });
  expect(before.record !== undefined).toBe(isCommitted(point));
  const key = new MemoryKey(secret);
  const signers = [0, 1].map(() =>
    withNonces(new RemoteSigner(key, anvil.provider()), separate(store), { timeout: 10_000 }),
  );
  const send = (signer: (typeof signers)[number], idempotencyKey: string) =>
    signer.sendTransaction({ to, value: 1n, customData: { idempotencyKey } });
  const responses = await Promise.all(
    signers.flatMap((signer, index) => [send(signer, `own ${index}`), send(signer, "stopped")]),
  );
  await Promise.all(responses.map((response) => response.wait()));
  expect(responses[1]?.hash).toBe(responses[3]?.hash);
  if (before.record) {
    expect(responses[1]?.hash).toBe(before.record.id);
    expect(responses[1]?.nonce).toBe(0);
  }
  expect([...new Set(responses.map(({ nonce }) => nonce))].sort()).toEqual([0, 1, 2]);
  expect(await provider.getBalance(to)).toBe(3n);
  expect(await provider.getTransactionCount(address)).toBe(3);
}

describe.each(STOP_POINTS)("stopped %s", (point) => {
  describe("in this process, with the memory store", () => {
    test.each(["hang", "lost answer"] as const)("by a %s", async (how) => {
      const account = await createAccount();
      const store = memoryNonceStore();
      const parts = { signer: new RemoteSigner(new MemoryKey(account.secret), anvil.provider()), store };
      let stop = () => {};
      const isStopped = new Promise<void>((resolve) => {
        stop = resolve;
      });
      const stopped = stopAt(parts, point, async () => {
        stop();
        if (how === "lost answer") throw new Error("ECONNRESET");
        await new Promise(() => {});
      });
      const signer = withNonces(stopped.signer, stopped.store, { timeout: 1_000 });
      const sending = signer.sendTransaction({ to: account.to, value: 1n, customData: { idempotencyKey: "stopped" } });
      const outcome = sending.then(
        () => "sent",
        () => "failed",
      );
      await isStopped;
      // A lost answer is over; a hang goes on while others send.
      if (how === "lost answer") await outcome;
      if (how === "lost answer" && point === "signed, before the commit") return expectPaidOnce(store, account);
      await expectHealed(store, account, point);
    });
  });

  describe.each([
    ["pg", "Postgres"],
    ["redis", "Redis"],
  ] as const)("in a process, by %s", (client, name) => {
    const testWithServer = missingDatabase(name) === undefined ? test : test.skip;
    let server: Database;
    let open: OpenStore;
    beforeAll(async () => {
      if (missingDatabase(name) !== undefined) return;
      server = name === "Postgres" ? await startPostgres() : await startRedis();
      open = await clients[client](server.port);
    });
    afterAll(async () => {
      await open?.close();
      await server?.stop();
    });

    testWithServer.each(["kill", "hang"] as const)("by a %s", async (how) => {
      const account = await createAccount();
      const { secret, to } = account;
      const stop = { point, how };
      const job: Job = {
        client,
        port: server.port,
        rpc: anvil.url,
        secret,
        to,
        grace: 60_000,
        keys: ["stopped"],
        stop,
      };
      const worker = start(job);
      const ended = once(worker, "exit");
      await once(worker.stdout as NonNullable<typeof worker.stdout>, "data");
      if (how === "kill") await ended;
      await expectHealed(open.store, account, point);
      worker.kill("SIGKILL");
      await ended;
    });
  });
});

/** A commit that failed before it was applied is made again by its own send. */
async function expectPaidOnce(
  store: NonceStore,
  { address, to, secret }: Awaited<ReturnType<typeof createAccount>>,
): Promise<void> {
  const signer = withNonces(new RemoteSigner(new MemoryKey(secret), anvil.provider()), separate(store));
  const again = await signer.sendTransaction({ to, value: 1n, customData: { idempotencyKey: "stopped" } });
  await again.wait();
  expect([again.nonce, await provider.getBalance(to), await provider.getTransactionCount(address)]).toEqual([0, 1n, 1]);
}

function start(job: Job): ChildProcess {
  const options = ["--import", "tsx", WORKER, JSON.stringify(job)];
  return spawn(process.execPath, options, { stdio: ["pipe", "pipe", "inherit"] });
}
