import { postgresNonceStore } from "../../../src/nonces/postgres-store.ts";
import { redisNonceStore } from "../../../src/nonces/redis-store.ts";
import type { NonceAccount, NonceStore } from "../../../src/nonces/store.ts";

/** A store over a connection of its own. */
export interface OpenStore {
  readonly store: NonceStore;
  close(): Promise<void>;
}

/** How each client reaches a server on this port. A process loads the client that it uses. */
export const clients: Readonly<Record<"pg" | "postgres" | "redis" | "ioredis", (port: number) => Promise<OpenStore>>> =
  {
    async pg(port) {
      const { default: pg } = await import("pg");
      const pool = new pg.Pool({ host: "127.0.0.1", port, user: "postgres", max: 10 });
      // A connection that is lost while it is idle.
      pool.on("error", () => {});
      const store = postgresNonceStore({ query: async (text, values) => (await pool.query(text, values)).rows });
      await store.migrate();
      return { store, close: () => pool.end() };
    },
    async postgres(port) {
      const { default: postgres } = await import("postgres");
      const sql = postgres({ host: "127.0.0.1", port, user: "postgres", max: 10, onnotice: () => {} });
      const store = postgresNonceStore({ query: (text, values) => sql.unsafe(text, values) });
      await store.migrate();
      return { store, close: () => sql.end() };
    },
    async redis(port) {
      const { createClient } = await import("redis");
      const client = createClient({ url: `redis://127.0.0.1:${port}` });
      client.on("error", () => {});
      await client.connect();
      const store = redisNonceStore({
        eval: (script, keys, parameters) => client.eval(script, { keys, arguments: parameters }),
      });
      return { store, close: async () => client.destroy() };
    },
    async ioredis(port) {
      const { default: Redis } = await import("ioredis");
      const client = new Redis(port, "127.0.0.1");
      client.on("error", () => {});
      const store = redisNonceStore({
        eval: (script, keys, parameters) => client.eval(script, keys.length, ...keys, ...parameters),
      });
      return { store, close: async () => client.disconnect() };
    },
  };

/** The same store for accounts of its own: tests that share a server do not see each other's. */
export function isolate(store: NonceStore, name: string): NonceStore {
  const own = ({ chainId, address }: NonceAccount) => ({ chainId, address: `${address} ${name}` });
  return {
    read: (account, ...rest) => store.read(own(account), ...rest),
    commit: (account, ...rest) => store.commit(own(account), ...rest),
    attempt: (account, ...rest) => store.attempt(own(account), ...rest),
    mark: (account, ...rest) => store.mark(own(account), ...rest),
    turn: (account, ...rest) => store.turn(own(account), ...rest),
    prune: (account, ...rest) => store.prune(own(account), ...rest),
  };
}
