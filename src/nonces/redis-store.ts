import { assertArgument } from "ethers";
import { redisScripts } from "./redis-scripts.ts";
import {
  accountId,
  type NonceAccount,
  type NonceChange,
  type NonceCommit,
  type NonceCommitResult,
  type NonceQuery,
  type NonceRecord,
  type NonceStore,
  type NonceView,
} from "./store.ts";

/** What is needed of a client of Redis: EVAL. */
export interface RedisEval {
  /** Runs a script with its keys and parameters. @returns its reply. */
  eval(script: string, keys: string[], parameters: string[]): Promise<unknown>;
}

/** Where the records are, and when a write counts. */
export interface RedisNonceStoreOptions {
  /** The beginning of every key. Default: "ethers-hsm". */
  readonly prefix?: string | undefined;
  /**
   * Awaited after each write of a transaction's bytes; no node sees them before. For example WAITAOF, from Redis 7.2, on the connection of
   * `redis`. It must reject if the write is not durable. Default: EVAL's own response is enough, as with `appendfsync always`.
   */
  readonly durability?: (() => Promise<void>) | undefined;
}

/**
 * A store in Redis, from version 7. Each step is one script over the keys of one hash tag, so that a cluster will do. Set `appendfsync
 * always` and `maxmemory-policy noeviction`: Redis loses confirmed writes otherwise, and always at a failover to a replica. Prefer Postgres
 * for what must not be paid twice.
 *
 * @param redis an adapter: for `redis`, `{ eval: (script, keys, parameters) => client.eval(script, { keys, arguments: parameters }) }`; for
 *   `ioredis`, `{ eval: (script, keys, parameters) => client.eval(script, keys.length, ...keys, ...parameters) }`.
 */
export function redisNonceStore(redis: RedisEval, options: RedisNonceStoreOptions = {}): NonceStore {
  const { prefix = "ethers-hsm", durability = async () => {} } = options;
  assertArgument(/^[^{}]+$/.test(prefix), "it must not be empty, and have no braces", "prefix", prefix);
  return new Store(redis, prefix, durability);
}

class Store implements NonceStore {
  readonly #redis: RedisEval;
  readonly #prefix: string;
  readonly #durability: () => Promise<void>;

  constructor(redis: RedisEval, prefix: string, durability: () => Promise<void>) {
    this.#redis = redis;
    this.#prefix = prefix;
    this.#durability = durability;
  }

  async read(account: NonceAccount, { key, id, mined = false }: NonceQuery = {}): Promise<NonceView> {
    // A key may be empty in no caller's request, and an id is a hash.
    const [now, next, settled, open, record, turn] = (await this.#run("read", account, [
      id ?? "",
      key ?? "",
      mined ? "1" : "",
    ])) as [number, number, number, string[], string, string];
    const [until, ...owner] = turn.split(" ");
    return {
      now,
      next,
      settled,
      open: open.map(toRecord).sort((one, other) => one.nonce - other.nonce || one.createdAt - other.createdAt),
      record: record === "" ? undefined : toRecord(record),
      turn: Number(until) > now ? { owner: owner.join(" "), until: Number(until) } : undefined,
    };
  }

  async commit(account: NonceAccount, { nonce, key, intent, hash, raw }: NonceCommit): Promise<NonceCommitResult> {
    const attempts = [{ hash, raw, outcome: "unknown" }];
    const rest = { minedHash: null, usedAt: null, createdAt: 0, updatedAt: 0 };
    const record = { id: hash, nonce, state: "signed", version: 1, attempts, key, intent, ...rest };
    const [outcome, stored] = (await this.#run("commit", account, [JSON.stringify(record)])) as [string, string];
    if (outcome === "taken") return { outcome };
    await this.#durability();
    return { outcome: outcome as "committed" | "duplicate", record: toRecord(stored) };
  }

  async attempt(
    account: NonceAccount,
    id: string,
    version: number,
    { hash, raw }: { hash: string; raw: string },
  ): Promise<NonceRecord | undefined> {
    const changed = await this.#change(account, id, version, { add: { hash, raw, outcome: "unknown" } });
    if (changed) await this.#durability();
    return changed;
  }

  async mark(
    account: NonceAccount,
    id: string,
    version: number,
    { state, attempts, minedHash, usedAt }: NonceChange,
  ): Promise<NonceRecord | undefined> {
    return this.#change(account, id, version, { set: { state, attempts, minedHash, usedAt } });
  }

  async turn(account: NonceAccount, owner: string, milliseconds: number): Promise<boolean> {
    return (await this.#run("turn", account, [owner, `${milliseconds}`])) === 1;
  }

  async prune(account: NonceAccount, milliseconds: number): Promise<number> {
    return Number(await this.#run("prune", account, [`${milliseconds}`]));
  }

  async #change(account: NonceAccount, id: string, version: number, change: object): Promise<NonceRecord | undefined> {
    const changed = (await this.#run("change", account, [id, `${version}`, JSON.stringify(change)])) as string;
    return changed === "" ? undefined : toRecord(changed);
  }

  async #run(name: keyof typeof redisScripts, account: NonceAccount, parameters: string[]): Promise<unknown> {
    const tag = `{${this.#prefix}:${accountId(account)}}`;
    const keys = ["records", "live", "keys", "open", "mined", "state"].map((part) => `${tag}:${part}`);
    return this.#redis.eval(redisScripts[name], keys, parameters);
  }
}

function toRecord(json: string): NonceRecord {
  const { id, nonce, state, version, attempts, key, intent, ...rest } = JSON.parse(json) as NonceRecord;
  const { minedHash, usedAt, createdAt, updatedAt } = rest;
  const plain = attempts.map(({ hash, raw, outcome }) => ({ hash, raw, outcome }));
  return { id, nonce, state, version, attempts: plain, key, intent, minedHash, usedAt, createdAt, updatedAt };
}
