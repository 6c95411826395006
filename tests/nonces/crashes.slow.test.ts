import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { id, type JsonRpcProvider, parseEther, Wallet } from "ethers";
import { memoryNonceStore } from "../../src/nonces/memory-store.ts";
import { withNonces } from "../../src/nonces/nonce-signer.ts";
import type { NonceStore } from "../../src/nonces/store.ts";
import { RemoteSigner } from "../../src/signer/remote-signer.ts";
import { type Anvil, startAnvil } from "../support/anvil.ts";
import { type Database, missingDatabase, startPostgres, startRedis } from "../support/databases.ts";
import { MemoryKey } from "../support/memory-key.ts";
import { NONCES_WORKER } from "../support/programs.ts";
import type { Job } from "./programs/worker.ts";
import { clients, type OpenStore } from "./support/shared-stores.ts";
import { REPLACEMENT_STOP_POINTS, STOP_POINTS, type StopPoint, stopAt } from "./support/stop-points.ts";
import { separate } from "./support/world.ts";

let anvil: Anvil;
let provider: JsonRpcProvider;
beforeAll(async () => {
  anvil = await startAnvil();
  provider = anvil.provider();
});
afterAll(() => anvil.stop());

let accounts = 0;

/** An account, and a payee that nothing else pays. */
interface Account {
  readonly secret: string;
  readonly address: string;
  readonly to: string;
}

async function createAccount(): Promise<Account> {
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
async function expectHealed(store: NonceStore, account: Account, point: StopPoint): Promise<void> {
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

const servers = { pg: "Postgres", redis: "Redis" } as const;
type Client = keyof typeof servers;
const databases: Partial<Record<Client, Database>> = {};
const stores: Partial<Record<Client, OpenStore>> = {};
const shared = Object.keys(servers) as Client[];
const testWith = (client: Client | "memory") =>
  client === "memory" || missingDatabase(servers[client]) === undefined ? test : test.skip;

beforeAll(async () => {
  for (const client of shared) {
    if (missingDatabase(servers[client]) !== undefined) continue;
    const database = client === "pg" ? await startPostgres() : await startRedis();
    databases[client] = database;
    stores[client] = await clients[client](database.port);
  }
});
afterAll(async () => {
  for (const client of shared) {
    await stores[client]?.close();
    await databases[client]?.stop();
  }
});

function storeOf(client: Client | "memory"): NonceStore {
  return client === "memory" ? memoryNonceStore() : (stores[client] as OpenStore).store;
}

/** Starts a process, and waits until it has stopped; one that hangs goes on hanging until `end`. */
async function stopped(client: Client, account: Account, stop: NonNullable<Job["stop"]>, replaces = false) {
  const { secret, to } = account;
  const { port } = databases[client] as Database;
  const job: Job = { client, port, rpc: anvil.url, secret, to, grace: 60_000, keys: ["stopped"], stop, replaces };
  const worker = start(job);
  const ended = once(worker, "exit");
  await once(worker.stdout as NonNullable<typeof worker.stdout>, "data");
  if (stop.how === "kill") await ended;
  return async () => {
    worker.kill("SIGKILL");
    await ended;
  };
}

describe.each(STOP_POINTS)("stopped %s", (point) => {
  describe.each(["memory", ...shared] as const)("in this process, with %s", (client) => {
    testWith(client).each(["hang", "lost answer"] as const)("by a %s", async (how) => {
      const account = await createAccount();
      const store = storeOf(client);
      const parts = { signer: new RemoteSigner(new MemoryKey(account.secret), anvil.provider()), store };
      let stop = () => {};
      const isStopped = new Promise<void>((resolve) => {
        stop = resolve;
      });
      const stopping = stopAt(parts, point, async () => {
        stop();
        if (how === "lost answer") throw new Error("ECONNRESET");
        await new Promise(() => {});
      });
      const signer = withNonces(stopping.signer, stopping.store, { timeout: 1_000 });
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

  describe.each(shared)("in a process, by %s", (client) => {
    testWith(client).each(["kill", "hang"] as const)("by a %s", async (how) => {
      const account = await createAccount();
      const end = await stopped(client, account, { point, how });
      await expectHealed(storeOf(client), account, point);
      await end();
    });
  });
});

describe.each(REPLACEMENT_STOP_POINTS)("stopped when %s", (point) => {
  beforeAll(() => provider.send("evm_setAutomine", [false]));
  afterAll(() => provider.send("evm_setAutomine", [true]));

  describe.each(shared)("in a process, by %s", (client) => {
    testWith(client).each(["kill", "hang"] as const)("by a %s", async (how) => {
      const account = await createAccount();
      const end = await stopped(client, account, { point, how }, true);
      const store = storeOf(client);
      const query = { chainId: 31337n, address: account.address };
      const [record] = (await store.read(query)).open;
      const isRecorded = point === "the replacement is recorded, and the answer is lost";
      expect(record?.attempts.length).toBe(isRecorded ? 2 : 1);
      const signer = withNonces(new RemoteSigner(new MemoryKey(account.secret), anvil.provider()), separate(store));
      await signer.reconcile();
      await provider.send("evm_mine", []);
      const again = { to: account.to, value: 1n, customData: { idempotencyKey: "stopped" } };
      await signer.reconcile();
      expect((await signer.sendTransaction(again)).hash).toBe(record?.attempts.at(-1)?.hash);
      expect([await provider.getBalance(account.to), await provider.getTransactionCount(account.address)]).toEqual([
        1n,
        1,
      ]);
      await end();
    });
  });
});

/** A commit that failed before it was applied is made again by its own send. */
async function expectPaidOnce(store: NonceStore, { address, to, secret }: Account): Promise<void> {
  const signer = withNonces(new RemoteSigner(new MemoryKey(secret), anvil.provider()), separate(store));
  const again = await signer.sendTransaction({ to, value: 1n, customData: { idempotencyKey: "stopped" } });
  await again.wait();
  expect([again.nonce, await provider.getBalance(to), await provider.getTransactionCount(address)]).toEqual([0, 1n, 1]);
}

function start(job: Job): ChildProcess {
  return spawn(process.execPath, [NONCES_WORKER, JSON.stringify(job)], { stdio: ["pipe", "pipe", "inherit"] });
}
