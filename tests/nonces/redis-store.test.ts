import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { nonceStoreContract } from "ethers-hsm/testing";
import { redisNonceStore } from "../../src/nonces/redis-store.ts";
import { type Database, missingDatabase, startRedis } from "../support/databases.ts";
import { clients, type OpenStore } from "./support/shared-stores.ts";

const missing = missingDatabase("Redis");
const describeWithRedis = missing === undefined ? describe : describe.skip;

describeWithRedis(`Redis${missing === undefined ? "" : ` (${missing})`}`, () => {
  let server: Database;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());

  describe.each(["redis", "ioredis"] as const)("by %s", (client) => {
    let stores: OpenStore[];
    beforeAll(async () => {
      stores = [await clients[client](server.port), await clients[client](server.port)];
    });
    afterAll(async () => {
      for (const { close } of stores) await close();
    });

    let opened = 0;
    const open = () => {
      opened += 1;
      const { store } = stores[opened % 2] as OpenStore;
      return store;
    };
    for (const { name, run } of nonceStoreContract(open)) test(name, run);
  });

  test("bytes count as committed after `durability`, and not if it rejects", async () => {
    const { default: Redis } = await import("ioredis");
    const client = new Redis(server.port, "127.0.0.1");
    const account = { chainId: 5n, address: `0x${"ab".repeat(20)}` };
    const entry = { nonce: 0, key: null, intent: "intent", hash: `0x${"1".repeat(64)}`, raw: "0x02" };
    let isDurable = false;
    const durability = async () => {
      if (!isDurable) throw new Error("no replica has it");
    };
    const redis = {
      eval: (script: string, keys: string[], rest: string[]) => client.eval(script, keys.length, ...keys, ...rest),
    };
    const store = redisNonceStore(redis, { durability });
    await expect(store.commit(account, entry)).rejects.toThrow("no replica has it");
    isDurable = true;
    expect(await store.commit(account, entry)).toMatchObject({ outcome: "committed" });
    const keys = await client.keys("*");
    expect(keys.filter((key) => !key.startsWith("{ethers-hsm:"))).toEqual([]);
    client.disconnect();
  });
});

test("a prefix with braces would leave the hash tag", () => {
  expect(() => redisNonceStore({ eval: async () => "" }, { prefix: "a{b}" })).toThrow("braces");
});
