import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { nonceStoreContract } from "ethers-hsm/testing";
import pg from "pg";
import { memoryNonceStore } from "../../src/nonces/memory-store.ts";
import { postgresNonceStore } from "../../src/nonces/postgres-store.ts";
import { type Database, missingDatabase, startPostgres } from "../support/databases.ts";
import { clients, type OpenStore } from "./support/shared-stores.ts";

const missing = missingDatabase("Postgres");
const describeWithPostgres = missing === undefined ? describe : describe.skip;

describeWithPostgres(`Postgres${missing === undefined ? "" : ` (${missing})`}`, () => {
  let server: Database;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server.stop());

  describe.each(["pg", "postgres"] as const)("by %s", (client) => {
    let stores: OpenStore[];
    beforeAll(async () => {
      stores = await Promise.all([clients[client](server.port), clients[client](server.port)]);
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

  describe("the schema", () => {
    let pool: pg.Pool;
    const sql = {
      query: async (text: string, values: (string | number | null)[]) => (await pool.query(text, values)).rows,
    };
    beforeAll(() => {
      pool = new pg.Pool({ host: "127.0.0.1", port: server.port, user: "postgres" });
    });
    afterAll(() => pool.end());

    test("is created once by many processes at once, under its name, and is left as it is afterwards", async () => {
      const stores = Array.from({ length: 8 }, () => postgresNonceStore(sql, { schema: "treasury" }));
      await Promise.all(stores.map((store) => store.migrate()));
      await stores[0]?.migrate();
      const { rows } = await pool.query("select version from treasury.nonce_version");
      expect(rows).toEqual([{ version: 1 }]);
    });

    test("of a later version is refused", async () => {
      const store = postgresNonceStore(sql, { schema: "later" });
      await store.migrate();
      await pool.query("update later.nonce_version set version = 2");
      await expect(store.migrate()).rejects.toThrow(
        "the schema later has version 2, and this ethers-hsm knows 1: update it",
      );
    });

    test("must be a plain name", () => {
      expect(() => postgresNonceStore(sql, { schema: "a; drop table b" })).toThrow("lower-case letters");
    });

    test("a role without the right to create can send", async () => {
      await postgresNonceStore(sql, { schema: "shared" }).migrate();
      await pool.query(
        "create role app login; grant usage on schema shared to app; grant select, insert, update, delete on all tables in schema shared to app",
      );
      const own = new pg.Pool({ host: "127.0.0.1", port: server.port, user: "app", database: "postgres" });
      const store = postgresNonceStore(
        { query: async (text, values) => (await own.query(text, values)).rows },
        { schema: "shared" },
      );
      for (const { run } of nonceStoreContract(() => store)) await run();
      await own.end();
    });
  });
});

test("PGlite passes the contract", () => {
  const program = join(import.meta.dirname, "programs/pglite-contract.ts");
  const output = execFileSync(process.execPath, ["--import", "tsx", program], { encoding: "utf8" });
  const names = nonceStoreContract(memoryNonceStore).map(({ name }) => name);
  expect(output.trim().split("\n")).toEqual(names);
});
