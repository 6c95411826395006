import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { type Anvil, startAnvil } from "../support/anvil.ts";
import { type Database, missingDatabase, startPostgres, startRedis } from "../support/databases.ts";
import { anvilWorld } from "./support/anvil-world.ts";
import { WORDS } from "./support/fake-chain.ts";
import { fakeWorld } from "./support/fake-world.ts";
import { checkHistories, type ModelWorld } from "./support/model.ts";
import { clients, isolate, type OpenStore } from "./support/shared-stores.ts";

const LONG = 600_000;

test(
  "many random histories: no payment twice, none that was denied, each key's once",
  () => checkHistories(250, async (client) => fakeWorld(client)),
  LONG,
);

describe.each([
  ["pg", "Postgres"],
  ["postgres", "Postgres"],
  ["redis", "Redis"],
  ["ioredis", "Redis"],
] as const)("the same by %s", (client, name) => {
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

  testWithServer(
    "random histories",
    async () => {
      let histories = 0;
      await checkHistories(20, async (words) => {
        histories += 1;
        return fakeWorld(words, isolate(open.store, `${client} ${histories}`), 1_000);
      });
      expect(histories).toBeGreaterThanOrEqual(20);
    },
    LONG,
  );
});

describe("the same on anvil", () => {
  let anvil: Anvil;
  beforeAll(async () => {
    anvil = await startAnvil();
  });
  afterAll(() => anvil.stop());

  test.each(Object.keys(WORDS))(
    "behind the rules and the words of %s",
    async (client) => {
      const worlds: (ModelWorld & { close(): Promise<void> })[] = [];
      const open = async () => {
        const world = await anvilWorld(anvil, client);
        worlds.push(world);
        return world;
      };
      await checkHistories(4, open, [client]);
      for (const world of worlds) await world.close();
    },
    LONG,
  );
});
