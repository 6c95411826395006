import { SignerError } from "../core/errors.ts";
import { postgresNonceStore } from "../nonces/postgres-store.ts";
import { redisNonceStore } from "../nonces/redis-store.ts";
import type { NonceStore } from "../nonces/store.ts";
import type { OptionTable } from "./command.ts";
import type { Context } from "./context.ts";
import { requireUsage } from "./errors.ts";

export const NONCE_STORE_OPTIONS: OptionTable = {
  store: {
    type: "string",
    value: "URL",
    help: "the nonce store, of postgres:// or redis://; default: $ETHERS_HSM_NONCES, which hides the URL",
  },
  schema: { type: "string", value: "NAME", help: "of Postgres; default: ethers_hsm" },
  prefix: { type: "string", value: "TEXT", help: "of Redis' keys; default: ethers-hsm" },
};

/** Runs `use` with the store of `--store` or ETHERS_HSM_NONCES, and closes its connections. */
export async function withNonceStore<T>(context: Context, use: (store: NonceStore) => Promise<T>): Promise<T> {
  const url = context.setting("store", "ETHERS_HSM_NONCES");
  requireUsage(url !== undefined, "no nonce store is named: pass --store URL, or set ETHERS_HSM_NONCES");
  const isPostgres = /^postgres(ql)?:\/\//.test(url);
  requireUsage(isPostgres || /^rediss?:\/\//.test(url), "--store must be a URL of postgres:// or redis://");
  const { store, close } = isPostgres ? await openPostgres(context, url) : await openRedis(context, url);
  try {
    return await use(store);
  } finally {
    await close();
  }
}

interface OpenStore {
  readonly store: NonceStore;
  close(): Promise<void>;
}

async function openPostgres(context: Context, url: string): Promise<OpenStore> {
  const { default: pg } = await load("pg", () => import("pg"));
  const pool = new pg.Pool({ connectionString: url, connectionTimeoutMillis: context.timeout });
  pool.on("error", () => {});
  const sql = { query: async (text: string, values: unknown[]) => (await pool.query(text, values)).rows };
  return { store: postgresNonceStore(sql, { schema: context.text("schema") }), close: () => pool.end() };
}

async function openRedis(context: Context, url: string): Promise<OpenStore> {
  const { createClient } = await load("redis", () => import("redis"));
  const socket = { connectTimeout: context.timeout, reconnectStrategy: false as const };
  const client = createClient({ url, socket });
  client.on("error", () => {});
  try {
    await client.connect();
  } catch (error) {
    const { code = "unknown error" } = error as NodeJS.ErrnoException;
    const message = `the nonce store cannot be reached (${code}): check --store`;
    throw new SignerError("BACKEND_UNAVAILABLE", message, { backend: "nonce-store" });
  }
  const evaluate = (script: string, keys: string[], parameters: string[]) =>
    client.eval(script, { keys, arguments: parameters });
  const store = redisNonceStore({ eval: evaluate }, { prefix: context.text("prefix") });
  return { store, close: async () => client.destroy() };
}

async function load<T>(name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ERR_MODULE_NOT_FOUND" && code !== "MODULE_NOT_FOUND") throw error;
    const message = `the package ${name} is not installed: run \`npm install ${name}\``;
    throw new SignerError("DEPENDENCY_MISSING", message, { backend: "nonce-store" });
  }
}
