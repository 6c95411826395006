import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { hexlify, type JsonRpcProvider, parseEther, randomBytes, SigningKey, Wallet } from "ethers";
import { type RemoteSigner, SignerError } from "ethers-hsm";
import { type Anvil, startAnvil } from "../support/anvil.ts";
import { type Backend, type Disturbance, Strikes, Trouble } from "./backend.ts";
import { ChainLedger } from "./chain-ledger.ts";
import { Heartbeat } from "./heartbeat.ts";
import { Load } from "./load.ts";
import { observe } from "./observe.ts";
import { growthOf, type Sample } from "./samples.ts";
import { type Send, type Sends, SINK } from "./sends.ts";
import { Tally } from "./tally.ts";

/** Stops this thread without work of its own, as a machine does that has no time for it. */
function standStill(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** A backend whose signer answers as `sign` does. */
function backendOf(sign: RemoteSigner["signDigest"], disturbances: readonly Disturbance[] = []): Backend {
  const signer = { signDigest: sign } as RemoteSigner;
  return { name: "kms", address: ACCOUNT.address, signer, hasty: signer, disturbances, heal: async () => {} };
}

const ACCOUNT = new Wallet(`0x${"11".repeat(32)}`);

describe("calls", () => {
  const watched = { who: "kms", what: "digest", allowed: () => ["THROTTLED"], limitMs: 10_000 };

  test("a wrong signature, a failure that may not be, and a call without an answer break the rules", async () => {
    const tally = new Tally();
    await observe(tally, async () => false, watched);
    await observe(tally, () => Promise.reject(new SignerError("KEY_UNUSABLE", "moved")), watched);
    await observe(tally, () => Promise.reject(new SignerError("BACKEND_TIMEOUT", "late")), watched);
    await observe(tally, () => setTimeout(100, true), { ...watched, limitMs: 10 });
    expect(tally.violations).toEqual([
      "kms: a wrong signature (digest)",
      "kms: a call failed with KEY_UNUSABLE, which it may not: moved",
      "kms: a call failed with BACKEND_TIMEOUT, which it may not: late",
      "kms: a call had no answer after 10 ms",
    ]);
    tally.heartbeat.stop();
  });

  test("what is allowed is counted, behind an error of the EIP-1193 provider too; an abort counts by its own reason", async () => {
    const tally = new Tally();
    const throttled = new SignerError("THROTTLED", "less");
    const reason = new Error("enough");
    await observe(tally, async () => true, watched);
    await observe(tally, () => Promise.reject(throttled), watched);
    await observe(tally, () => Promise.reject(Object.assign(new Error(), { code: -32005, cause: throttled })), watched);
    await observe(tally, () => Promise.reject(reason), { ...watched, reason });
    expect(tally.table()).toEqual({ kms: { THROTTLED: 2, aborted: 1, ok: 1 } });
    await observe(tally, () => Promise.reject(new Error("enough")), { ...watched, reason });
    expect(tally.violations).toHaveLength(1);
    tally.heartbeat.stop();
  });

  test("a deadline that passes while this process stands still is counted apart", async () => {
    const tally = new Tally();
    const late = async (): Promise<boolean> => {
      standStill(1_100);
      throw new SignerError("BACKEND_TIMEOUT", "late");
    };
    await observe(tally, late, watched);
    expect(tally.violations).toEqual([]);
    expect(tally.total("kms", "late: this process had no time")).toBe(1);
    tally.heartbeat.stop();
  });

  test("a call is not lost whose time passes while this process stands still", async () => {
    const tally = new Tally();
    const slow = async () => {
      standStill(1_100);
      return setTimeout(100, true);
    };
    await observe(tally, slow, { ...watched, limitMs: 500 });
    expect(tally.violations).toEqual([]);
    tally.heartbeat.stop();
  });

  test.each([
    ["is its own work: no excuse", () => performance.now(), false],
    ["is less than half its own work: an excuse", () => performance.now() / 2.1, true],
    ["is of a system that does not tell: an excuse", () => Number.NaN, true],
  ])("a pause of this process that %s", (_, workedMs, isStarved) => {
    const heartbeat = new Heartbeat(workedMs);
    const begun = performance.now();
    standStill(1_050);
    expect(heartbeat.wasStarved(begun)).toBe(isStarved);
    heartbeat.stop();
  });
});

describe("after a fault", () => {
  const right: RemoteSigner["signDigest"] = async (digest) => ACCOUNT.signingKey.sign(digest);
  const other = new SigningKey(hexlify(randomBytes(32)));

  test.each<[string, () => ReturnType<RemoteSigner["signDigest"]>, readonly string[]]>([
    ["a SignerError is waited out", () => Promise.reject(new SignerError("BACKEND_UNAVAILABLE", "soon")), []],
    [
      "a wrong signature is none",
      async () => other.sign(hexlify(randomBytes(32))),
      ["kms: a wrong signature after the fault"],
    ],
    [
      "another error is none",
      () => Promise.reject(new TypeError("no function")),
      ["kms: no SignerError after the fault: TypeError: no function"],
    ],
  ])("%s", async (_, first, violations) => {
    const tally = new Tally();
    let calls = 0;
    const backend = backendOf((digest) => (calls++ === 0 ? first() : right(digest)));
    await new Load([backend], {} as Sends, tally).recovers(backend, 3);
    expect(tally.violations).toEqual(violations);
    expect(tally.total("kms", "ok")).toBe(3);
    tally.heartbeat.stop();
  });
});

test("a backend that never answers has half of the calls at most, and what is not begun is counted", async () => {
  const tally = new Tally();
  const backend = backendOf(() => new Promise(() => {}));
  const sends = { send: () => new Promise(() => {}) } as unknown as Sends;
  const load = new Load([backend], sends, tally);
  // Storms apart, which are beyond the rule.
  const chance = jest.spyOn(Math, "random").mockReturnValue(0.1);
  await load.run(300, { rate: 200, most: 24, allowed: () => [], allowedOfSends: () => [] });
  chance.mockRestore();
  expect(tally.inFlight).toBe(12);
  expect(load.skipped.get("kms")).toBeGreaterThan(0);
  tally.heartbeat.stop();
});

test("the disturbance that had the fewest turns is next, and the table has what never struck", async () => {
  const names = ["a", "b", "c"];
  const backend = backendOf(
    async () => Promise.reject(new Error("unused")),
    names.map((name) => ({ name, ms: 10_000, strike: () => name !== "c" })),
  );
  const strikes = new Strikes(backend);
  for (let turn = 0; turn < 6; turn += 1) {
    const trouble = new Trouble(backend, strikes);
    const running = trouble.run();
    trouble.stop();
    await running;
  }
  expect(strikes.table().map(({ disturbance, turns, strikes: count }) => [disturbance, turns, count])).toEqual([
    ["a", 2, 2],
    ["b", 2, 2],
    ["c", 2, 0],
  ]);
  expect(strikes.total).toBe(4);
});

test("what grows beyond its bound is seen after the warm-up, and what does not is not", () => {
  const flat: Sample = {
    ...{ heapKiB: 30_000, rssMiB: 150, libraryRssMiB: 80, sessions: 4 },
    ...{ sockets: 10, descriptors: 40, resources: 9, listeners: 0 },
  };
  const samples = Array.from({ length: 60 }, (_, index) => ({ ...flat, heapKiB: flat.heapKiB + index * 250 }));
  const over = growthOf(samples)?.filter(({ growth, bound }) => growth > bound);
  expect(over?.map(({ what }) => what)).toEqual(["heapKiB"]);
  const warmUp = [{ ...flat, heapKiB: 0 }, { ...flat, heapKiB: 9_999 }, flat];
  expect(growthOf([...warmUp, flat])?.every(({ growth }) => growth === 0)).toBe(true);
  expect(growthOf(warmUp)).toBeUndefined();
});

describe("the chain", () => {
  let anvil: Anvil;
  let chain: JsonRpcProvider;
  let wallet: Wallet;
  beforeAll(async () => {
    anvil = await startAnvil();
    chain = anvil.provider();
  });
  afterAll(() => anvil.stop());

  /** A ledger of a new account, and sends of it whose record says `told`. */
  async function open() {
    wallet = new Wallet(hexlify(randomBytes(32)), chain);
    await anvil.fund(wallet.address, parseEther("10"));
    const complaints: string[] = [];
    const ledger = await ChainLedger.open(chain, [wallet.address.toLowerCase()], (text) => complaints.push(text));
    return { ledger, complaints };
  }

  async function send(told: Send["told"], marker = hexlify(randomBytes(16))): Promise<Send> {
    const { hash } = await wallet.sendTransaction({ to: SINK, value: 7, data: marker });
    await chain.waitForTransaction(hash);
    return { marker, from: wallet.address.toLowerCase(), value: 7n, hash, told };
  }

  test("that has what callers were told is no complaint", async () => {
    const { ledger, complaints } = await open();
    const nowhere: Send = {
      marker: "0x00",
      from: wallet.address.toLowerCase(),
      value: 7n,
      hash: undefined,
      told: "failed",
    };
    await ledger.reconcile([await send("sent"), await send("unknown"), nowhere, { ...nowhere, told: "unknown" }]);
    expect(complaints).toEqual([]);
    expect(ledger.totals).toEqual({ mined: 2, sent: 1, unknown: 2, landed: 1, failed: 1 });
  });

  test.each([
    ["a send is on the chain whose caller was told that it failed", async () => [await send("failed")]],
    [
      "a send is on the chain 2 times",
      async () => {
        const once = await send("sent");
        await send("sent", once.marker);
        return [once];
      },
    ],
    [
      "a send that its caller was told of is not on the chain",
      async () => [{ ...(await send("sent")), marker: "0x01" }],
    ],
    ["a caller was told another hash", async () => [{ ...(await send("sent")), hash: hexlify(randomBytes(32)) }]],
    ["a transaction is not what its caller asked for", async () => [{ ...(await send("sent")), value: 8n }]],
    ["the chain has a transaction that no caller knows", async () => [await send("sent"), await send("sent")].slice(1)],
  ])("%s", async (text, sends) => {
    const { ledger, complaints } = await open();
    await ledger.reconcile(await sends());
    expect(complaints).toContainEqual(expect.stringContaining(text));
  });

  test("a gap that holds later ones up", async () => {
    const { ledger, complaints } = await open();
    const early = await wallet.sendTransaction({ to: SINK, nonce: 1, data: "0x02" });
    await ledger.reconcile([
      { marker: "0x02", from: wallet.address.toLowerCase(), value: 0n, hash: early.hash, told: "sent" },
    ]);
    expect(complaints).toContain("a send that its caller was told of is not on the chain");
    expect(complaints).toContain("1 transactions wait in the pool for ever");
    const { hash } = await wallet.sendTransaction({ to: SINK, nonce: 0, data: "0x03" });
    await chain.waitForTransaction(hash);
  });

  test("a transaction of an account that is not in the books", async () => {
    const { ledger: first, complaints } = await open();
    await open();
    await first.reconcile([await send("sent")]);
    expect(complaints).toContain(`a transaction of another account: ${wallet.address.toLowerCase()}`);
  });
});
