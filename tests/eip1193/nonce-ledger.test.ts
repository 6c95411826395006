import { expect, test } from "@jest/globals";
import { NonceLedger } from "../../src/eip1193/nonce-ledger.ts";

const MINUTE = 60_000;

class Chain {
  count = 5;
  time = 1_000;
  asked: string[] = [];
  readonly known = new Set<string>();
  readonly ledger = new NonceLedger({
    count: async () => this.count,
    now: () => this.time,
    knows: async (hash) => {
      this.asked.push(hash);
      return this.known.has(hash);
    },
  });

  record(nonce: number, hash: string): void {
    this.ledger.take(nonce)(hash);
  }
}

test("nothing sent: the chain's count", async () => {
  expect(await new Chain().ledger.next()).toBe(5);
});

test("what was sent is stepped over until the chain shows it, and gaps are filled", async () => {
  const chain = new Chain();
  chain.record(5, "a");
  chain.record(7, "b");
  expect(await chain.ledger.next()).toBe(6);
  chain.count = 7;
  expect(await chain.ledger.next()).toBe(8);
  chain.count = 20;
  expect(await chain.ledger.next()).toBe(20);
  expect(chain.asked).toEqual([]);
});

test("after a minute the node is asked, and a transaction that it lost frees its nonce", async () => {
  const chain = new Chain();
  chain.record(5, "a");
  chain.record(6, "b");
  chain.known.add("a");
  chain.time += MINUTE - 1;
  expect(await chain.ledger.next()).toBe(7);
  expect(chain.asked).toEqual([]);
  chain.time += 1;
  expect(await chain.ledger.next()).toBe(6);
  expect(chain.asked).toEqual(["a", "b"]);
});

test("it forgets the oldest of a thousand", async () => {
  const chain = new Chain();
  for (let nonce = 5; nonce < 1_006; nonce += 1) chain.record(nonce, "a");
  expect(await chain.ledger.next()).toBe(5);
  chain.record(5, "a");
  expect(await chain.ledger.next()).toBe(6);
});

test("a nonce in use is stepped over until each of its users failed", async () => {
  const { ledger } = new Chain();
  const releases = [ledger.take(5), ledger.take(5)];
  expect(await ledger.next()).toBe(6);
  const { revision } = ledger;
  releases[0]?.();
  expect(await ledger.next()).toBe(6);
  releases[1]?.();
  expect(await ledger.next()).toBe(5);
  expect(ledger.revision).not.toBe(revision);
});

test("a nonce is taken if the chain counts it, if it is in use, and if it was sent", async () => {
  const chain = new Chain();
  const release = chain.ledger.take(5);
  chain.record(6, "a");
  expect(await Promise.all([4, 5, 6, 7].map((nonce) => chain.ledger.isTaken(nonce)))).toEqual([
    true,
    true,
    true,
    false,
  ]);
  release();
  expect(await chain.ledger.isTaken(5)).toBe(false);
});

test("a count below an earlier one means that the chain was set back: what was sent is forgotten", async () => {
  const chain = new Chain();
  expect(await chain.ledger.next()).toBe(5);
  chain.record(5, "a");
  chain.record(6, "b");
  chain.count = 3;
  expect(await chain.ledger.next()).toBe(3);
  chain.count = 5;
  expect(await chain.ledger.next()).toBe(5);
});

test("an earlier question that is answered later does not set the count back", async () => {
  const answers: ((count: number) => void)[] = [];
  const count = () => new Promise<number>((resolve) => void answers.push(resolve));
  const ledger = new NonceLedger({ count, now: () => 0, knows: async () => true });
  const first = ledger.next();
  const second = ledger.next();
  answers[1]?.(7);
  expect(await second).toBe(7);
  ledger.take(7)("a");
  answers[0]?.(5);
  expect(await first).toBe(8);
});
