import { describe, expect, test } from "@jest/globals";
import { type LimitStore, memoryLimitStore } from "../../src/policy/index.ts";
import { type Hold, RollingLimit } from "../../src/policy/limits.ts";
import { gate } from "../signer/rejection.ts";
import { passTime, stopTime } from "../support/stopped-time.ts";

stopTime();

const HOUR = 3_600_000;
let holds = 0;
const hold = (amount: bigint, ref = `ref ${++holds}`): Hold => ({ id: `hold ${++holds}`, ref, amount });
const open = (store: LimitStore, atMost = 10n) => new RollingLimit(store, "limit", { atMost, window: HOUR }, 1_000);

describe("a rolling limit", () => {
  test("holds what fits, up to the last unit", async () => {
    const limit = open(memoryLimitStore(), 2n ** 256n - 1n);
    expect(await limit.hold(hold(2n ** 256n - 2n))).toBeUndefined();
    expect(await limit.hold(hold(2n))).toEqual({ availableAt: Date.now() + HOUR });
    expect(await limit.hold(hold(1n))).toBeUndefined();
    expect(await limit.hold(hold(1n))).toBeDefined();
    expect(await limit.hold(hold(0n))).toBeUndefined();
  });

  test("an amount beyond the limit never passes", async () => {
    expect(await open(memoryLimitStore()).hold(hold(11n))).toEqual({ availableAt: null });
  });

  test("the window slides: the sum within any hour never exceeds the limit", async () => {
    const limit = open(memoryLimitStore());
    const start = Date.now();
    await limit.hold(hold(6n));
    await passTime(HOUR / 2);
    await limit.hold(hold(4n));
    await passTime(HOUR / 2 - 1);
    expect(await limit.hold(hold(1n))).toEqual({ availableAt: start + HOUR });
    await passTime(1);
    expect(await limit.hold(hold(7n))).toEqual({ availableAt: start + HOUR + HOUR / 2 });
    expect(await limit.hold(hold(6n))).toBeUndefined();
    expect(await limit.hold(hold(1n))).toBeDefined();
  });

  test("of a transaction and its replacements the highest counts, and its release leaves the others", async () => {
    const limit = open(memoryLimitStore());
    const [first, replacement] = [hold(4n, "1:a:7"), hold(9n, "1:a:7")];
    await limit.hold(first);
    await limit.hold(replacement);
    expect(await limit.hold(hold(2n))).toBeDefined();
    await limit.release(replacement);
    expect(await limit.hold(hold(6n))).toBeUndefined();
    expect(await limit.hold(hold(1n))).toBeDefined();
    expect(await limit.hold(hold(3n, "1:a:7"))).toBeUndefined();
  });

  test("what was spent counts from the signature on, also if the window of its hold has ended", async () => {
    const limit = open(memoryLimitStore());
    const slow = hold(8n);
    await limit.hold(slow);
    await passTime(2 * HOUR);
    await limit.spend(slow);
    await passTime(HOUR - 1);
    expect(await limit.hold(hold(3n))).toBeDefined();
    await passTime(1);
    expect(await limit.hold(hold(3n))).toBeUndefined();
  });

  test("calls that wait together share a write, and each is counted", async () => {
    let writes = 0;
    const memory = memoryLimitStore();
    const store: LimitStore = {
      ...memory,
      write: (...parameters) => {
        writes++;
        return memory.write(...parameters);
      },
    };
    const limit = open(store);
    const refusals = await Promise.all(Array.from({ length: 50 }, () => limit.hold(hold(1n))));
    expect([refusals.filter((each) => each === undefined).length, writes]).toEqual([10, 1]);
  });

  test("another process between the read and the write makes it decide again", async () => {
    const memory = memoryLimitStore();
    const other = open(memory);
    let isFirst = true;
    const store: LimitStore = {
      read: memory.read,
      async write(...parameters) {
        if (isFirst) {
          isFirst = false;
          await other.hold(hold(8n));
        }
        return memory.write(...parameters);
      },
    };
    const holding = open(store).hold(hold(3n));
    await passTime(50);
    expect(await holding).toBeDefined();
  });

  test("a store that hangs or fails rejects, and serves later calls", async () => {
    const memory = memoryLimitStore();
    let fault: (() => Promise<never>) | undefined = () => new Promise(() => {});
    const store: LimitStore = { ...memory, read: (id) => (fault ? fault() : memory.read(id)) };
    const limit = open(store);
    const hanging = expect(limit.hold(hold(1n))).rejects.toThrow("did not respond within 1000 ms");
    await passTime(1_000);
    await hanging;
    fault = () => Promise.reject(new Error("no connection"));
    await expect(limit.hold(hold(1n))).rejects.toThrow("no connection");
    fault = undefined;
    expect(await limit.hold(hold(10n))).toBeUndefined();
  });

  test("a write whose answer is lost counts", async () => {
    const memory = memoryLimitStore();
    const answer = gate();
    const store: LimitStore = {
      ...memory,
      async write(...parameters) {
        await memory.write(...parameters);
        await answer.opened;
        return true;
      },
    };
    const losing = expect(open(store).hold(hold(8n))).rejects.toThrow("did not respond");
    await passTime(1_000);
    await losing;
    expect(await open(memory).hold(hold(3n))).toBeDefined();
  });

  test("a clock that steps back leaves the limit stricter", async () => {
    const memory = memoryLimitStore();
    let step = 0;
    const store: LimitStore = {
      ...memory,
      read: async (id) => ({ ...(await memory.read(id)), now: Date.now() + step }),
    };
    const limit = open(store);
    await limit.hold(hold(8n));
    step = -24 * HOUR;
    expect(await limit.hold(hold(3n))).toBeDefined();
    await passTime(HOUR);
    expect(await limit.hold(hold(3n))).toBeDefined();
    step = 0;
    expect(await limit.hold(hold(3n))).toBeUndefined();
  });

  test("what no longer counts is removed", async () => {
    const store = memoryLimitStore();
    const limit = open(store);
    for (let index = 0; index < 5; index++) await limit.hold(hold(1n));
    await passTime(HOUR);
    await limit.hold(hold(1n));
    expect((await store.read("limit")).entries).toHaveLength(1);
  });
});
