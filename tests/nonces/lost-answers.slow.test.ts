import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { memoryNonceStore } from "../../src/nonces/memory-store.ts";
import type { NonceSigner } from "../../src/nonces/nonce-signer.ts";
import type { NonceStore } from "../../src/nonces/store.ts";
import { type Database, missingDatabase, startPostgres, startRedis } from "../support/databases.ts";
import { LossyConnection } from "./support/lossy-connection.ts";
import { clients, isolate, type OpenStore } from "./support/shared-stores.ts";
import { createWorld, payment, separate, type World, wallet } from "./support/world.ts";

const account = { chainId: 99n, address: wallet.address };

/** A store, and how to lose its next response. */
interface Lossy {
  readonly store: NonceStore;
  lose<T>(call: () => Promise<T>): Promise<T>;
}

describe.each([
  ["in memory", "none"],
  ["by pg", "Postgres"],
  ["by redis", "Redis"],
  ["by ioredis, which repeats what was not answered", "Redis"],
] as const)("%s", (title, name) => {
  const testWithServer = name === "none" || missingDatabase(name) === undefined ? test : test.skip;
  let server: Database | undefined;
  let connection: LossyConnection | undefined;
  let open: OpenStore | undefined;
  let accounts = 0;

  beforeAll(async () => {
    if (name === "none" || missingDatabase(name) !== undefined) return;
    server = name === "Postgres" ? await startPostgres() : await startRedis();
    connection = await LossyConnection.start(server.port);
    const client = name === "Postgres" ? "pg" : title.startsWith("by ioredis") ? "ioredis" : "redis";
    open = await clients[client](connection.port);
  });
  afterAll(async () => {
    await open?.close();
    await connection?.close();
    await server?.stop();
  });

  function createLossy(): Lossy {
    if (open && connection) {
      const through = connection;
      accounts += 1;
      const lose = async <T>(call: () => Promise<T>) => {
        through.loseNext();
        return call();
      };
      return { store: isolate(open.store, `${title} ${accounts}`), lose };
    }
    const lose = async (call: () => Promise<unknown>) => {
      await call();
      throw new Error("ECONNRESET");
    };
    return { store: memoryNonceStore(), lose: lose as Lossy["lose"] };
  }

  /** A process whose first response to this step is lost. */
  function loseFirst(
    { process }: World,
    { store, lose }: Lossy,
    step: "read" | "commit" | "attempt" | "mark" | "turn",
  ) {
    const own = separate(store);
    const call = own[step] as (...parameters: unknown[]) => Promise<unknown>;
    const losing = (...parameters: unknown[]) => {
      Object.assign(own, { [step]: call });
      return lose(() => call(...parameters));
    };
    Object.assign(own, { [step]: losing });
    return { own, signer: process({}, undefined, own) };
  }

  /** The key's payment is made once, by whichever process tries it again. */
  async function expectPaidOnce(world: World, signer: NonceSigner, hash?: string): Promise<void> {
    const { chain, process } = world;
    const again = await Promise.all([signer, process()].map((each) => each.sendTransaction(payment(1, "invoice 1"))));
    expect(again[0]?.hash).toBe(hash ?? again[1]?.hash);
    chain.mine();
    await process().reconcile();
    expect(chain.mined.filter((each) => each.hash === again[1]?.hash)).toHaveLength(1);
    expect((await process().sendTransaction(payment(1, "invoice 1"))).hash).toBe(again[1]?.hash);
  }

  testWithServer("the view that a send begins with: nothing is signed for it, and it may be sent again", async () => {
    const lossy = createLossy();
    const world = createWorld(undefined, lossy.store);
    const { signer } = loseFirst(world, lossy, "read");
    const code = await codeOf(signer.sendTransaction(payment(1, "invoice 1")));
    expect([undefined, "BACKEND_UNAVAILABLE"]).toContain(code);
    expect(world.key.signatures).toBe(code === undefined ? 1 : 0);
    const { hash } = await signer.sendTransaction(payment(1, "invoice 1"));
    await expectPaidOnce(world, signer, hash);
    expect(world.key.signatures).toBe(1);
    expect(world.chain.mined).toHaveLength(1);
  });

  testWithServer("the commit: the send goes on with the same bytes", async () => {
    const lossy = createLossy();
    const world = createWorld(undefined, lossy.store);
    const { signer } = loseFirst(world, lossy, "commit");
    const { hash } = await signer.sendTransaction(payment(1, "invoice 1"));
    await expectPaidOnce(world, signer, hash);
    expect(world.key.signatures).toBe(1);
    expect(world.chain.mined).toHaveLength(1);
  });

  testWithServer("the mark of an accepted transaction: the caller has its hash", async () => {
    const lossy = createLossy();
    const world = createWorld(undefined, lossy.store);
    const { signer } = loseFirst(world, lossy, "mark");
    const { hash } = await signer.sendTransaction(payment(1, "invoice 1"));
    await expectPaidOnce(world, signer, hash);
    expect(world.key.signatures).toBe(1);
    expect(world.chain.mined).toHaveLength(1);
  });

  testWithServer("the attempt of a replacement: it counts, and its caller is not told otherwise", async () => {
    const lossy = createLossy();
    const world = createWorld(undefined, lossy.store);
    const { signer } = loseFirst(world, lossy, "attempt");
    const first = await signer.sendTransaction(payment(1, "invoice 1"));
    const outcome: unknown = await signer.replace(first.hash).catch((error: unknown) => error);
    const [record] = (await lossy.store.read(account)).open;
    const replacement = record?.attempts[1]?.hash;
    expect(replacement).toBeDefined();
    expect(outcome instanceof Error ? outcome : { code: "BROADCAST_UNKNOWN", info: outcome }).toMatchObject({
      code: "BROADCAST_UNKNOWN",
      info: { hash: replacement, nonce: 0 },
    });
    await expectPaidOnce(world, signer, replacement);
    expect(world.chain.mined.map(({ hash }) => hash)).toEqual([replacement]);
  });

  testWithServer("the turn: it is given back, so that other processes do not wait for its end", async () => {
    const lossy = createLossy();
    const world = createWorld(undefined, lossy.store);
    const { own, signer } = loseFirst(world, lossy, "turn");
    let rivals = 0;
    const { commit } = own;
    own.commit = async (...parameters) => {
      rivals += 1;
      if (rivals <= 3) await world.process().sendTransaction(payment(10 + rivals));
      return commit(...parameters);
    };
    const code = await codeOf(signer.sendTransaction(payment(1, "invoice 1")));
    expect([undefined, "BACKEND_UNAVAILABLE"]).toContain(code);
    expect(rivals).toBeGreaterThanOrEqual(3);
    expect((await lossy.store.read(account)).turn).toBeUndefined();
    await expectPaidOnce(world, signer);
    expect(world.chain.mined.map(({ nonce }) => nonce)).toEqual([0, 1, 2, 3]);
  });
});

/** The code that a call fails with; undefined if it succeeds. */
async function codeOf(call: Promise<unknown>): Promise<string | undefined> {
  return call.then(
    () => undefined,
    (error: { code?: string }) => String(error.code),
  );
}
