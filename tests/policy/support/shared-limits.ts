import Redis from "ioredis";
import pg from "pg";
import type { LimitStore } from "../../../src/policy/limit-store.ts";
import { postgresLimitStore } from "../../../src/policy/postgres-limit-store.ts";
import { redisLimitStore } from "../../../src/policy/redis-limit-store.ts";

/** A store over a connection of its own. */
export interface OpenLimits {
  readonly store: LimitStore;
  close(): Promise<void>;
}

/** How each client reaches a server on this port. */
export const clients: Readonly<Record<"pg" | "ioredis", (port: number) => Promise<OpenLimits>>> = {
  async pg(port) {
    const pool = new pg.Pool({ host: "127.0.0.1", port, user: "postgres", max: 10 });
    pool.on("error", () => {});
    const store = postgresLimitStore({ query: async (text, values) => (await pool.query(text, values)).rows });
    await store.migrate();
    return { store, close: () => pool.end() };
  },
  async ioredis(port) {
    const client = new Redis(port, "127.0.0.1");
    client.on("error", () => {});
    const store = redisLimitStore({
      eval: (script, keys, parameters) => client.eval(script, keys.length, ...keys, ...parameters),
    });
    return { store, close: async () => client.disconnect() };
  },
};
