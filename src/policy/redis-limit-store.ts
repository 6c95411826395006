import { assertArgument, id as hash } from "ethers";
import type { RedisEval } from "../nonces/redis-store.ts";
import type { LimitEntry, LimitStore } from "./limit-store.ts";

/** Where the amounts are, and when a write counts. */
export interface RedisLimitStoreOptions {
  /** The beginning of every key. Default: "ethers-hsm", as for nonces. */
  readonly prefix?: string | undefined;
  /**
   * Awaited after each write, for example WAITAOF, from Redis 7.2, on the connection of `redis`. It must reject if the write is not durable.
   * Default: EVAL's own response is enough, as with `appendfsync always`.
   */
  readonly durability?: (() => Promise<void>) | undefined;
}

// KEYS, both of one hash tag: 1 the version; 2 the entries by id, as JSON. Amounts are text, since numbers in Lua are doubles.
const READ = `
local time = redis.call('TIME')
return { time[1] * 1000 + math.floor(time[2] / 1000), redis.call('GET', KEYS[1]) or '0', redis.call('HVALS', KEYS[2]) }`;

const WRITE = `
if (redis.call('GET', KEYS[1]) or '0') ~= ARGV[1] then return 0 end
redis.call('INCR', KEYS[1])
for _, id in ipairs(cjson.decode(ARGV[2])) do redis.call('HDEL', KEYS[2], id) end
for index = 3, #ARGV, 2 do redis.call('HSET', KEYS[2], ARGV[index], ARGV[index + 1]) end
return 1`;

/**
 * A store in Redis, from version 7. Each step is one script over the keys of one hash tag, so that a cluster will do. Set `appendfsync always` and
 * `maxmemory-policy noeviction`: Redis loses confirmed writes otherwise, and always at a failover to a replica, and a limit then lets more pass.
 *
 * @param redis the adapter that `redisNonceStore` of `ethers-hsm/nonces` takes.
 */
export function redisLimitStore(redis: RedisEval, options: RedisLimitStoreOptions = {}): LimitStore {
  const { prefix = "ethers-hsm", durability = async () => {} } = options;
  assertArgument(/^[^{}]+$/.test(prefix), "it must not be empty, and have no braces", "prefix", prefix);
  const keysOf = (limit: string) =>
    ["version", "entries"].map((part) => `{${prefix}:limit:${hash(limit).slice(2)}}:${part}`);
  return {
    async read(limit) {
      const reply = (await redis.eval(READ, keysOf(limit), [])) as [number, string, string[]];
      const [now, version, entries] = reply;
      return { now, version: Number(version), entries: entries.map(toEntry) };
    },
    async write(limit, version, { put, remove }) {
      const added = put.flatMap((each) => [each.id, JSON.stringify({ ...each, amount: `${each.amount}` })]);
      const written = await redis.eval(WRITE, keysOf(limit), [`${version}`, JSON.stringify(remove), ...added]);
      if (written !== 1) return false;
      await durability();
      return true;
    },
  };
}

function toEntry(json: string): LimitEntry {
  const { id, ref, amount, at, until } = JSON.parse(json) as Omit<LimitEntry, "amount"> & { readonly amount: string };
  return { id, ref, amount: BigInt(amount), at, until };
}
