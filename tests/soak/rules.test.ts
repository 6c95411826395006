import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { hexlify, type JsonRpcProvider, parseEther, randomBytes, Wallet } from "ethers";
import { SignerError } from "ethers-hsm";
import { type Anvil, startAnvil } from "../support/anvil.ts";
import { ChainLedger } from "./chain-ledger.ts";
import { observe } from "./observe.ts";
import { growthOf, type Sample } from "./samples.ts";
import { type Send, SINK } from "./sends.ts";
import { Tally } from "./tally.ts";

describe("calls", () => {
  const watched = { who: "kms", allowed: () => ["THROTTLED"], limitMs: 10_000 };

  test("a wrong signature, a failure that may not be, and a call without an answer break the rules", async () => {
    const tally = new Tally();
    await observe(tally, async () => false, watched);
    await observe(tally, () => Promise.reject(new SignerError("KEY_CHANGED", "moved")), watched);
    await observe(tally, () => Promise.reject(new SignerError("BACKEND_TIMEOUT", "late")), watched);
    await observe(tally, () => setTimeout(100, true), { ...watched, limitMs: 10 });
    expect(tally.violations).toEqual([
      "kms: a wrong signature",
      "kms: a call failed with KEY_CHANGED, which it may not: moved",
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
    const standStill = async (): Promise<boolean> => {
      const end = performance.now() + 1_100;
      while (performance.now() < end);
      throw new SignerError("BACKEND_TIMEOUT", "late");
    };
    await observe(tally, standStill, watched);
    expect(tally.violations).toEqual([]);
    expect(tally.total("kms", "late: this process had no time")).toBe(1);
    tally.heartbeat.stop();
  });
});

test("what grows beyond its bound is seen after the warm-up, and what does not is not", () => {
  const flat: Sample = {
    ...{ heapKiB: 30_000, rssMiB: 150, libraryRssMiB: 80, sessions: 4 },
    ...{ sockets: 10, descriptors: 40, resources: 9, listeners: 0 },
  };
  const samples = Array.from({ length: 60 }, (_, index) => ({ ...flat, heapKiB: flat.heapKiB + index * 250 }));
  const over = growthOf(samples).filter(({ growth, bound }) => growth > bound);
  expect(over.map(({ what }) => what)).toEqual(["heapKiB"]);
  expect(
    growthOf([{ ...flat, heapKiB: 0 }, { ...flat, heapKiB: 9_999 }, flat]).every(({ growth }) => growth === 0),
  ).toBe(true);
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
  });
});
