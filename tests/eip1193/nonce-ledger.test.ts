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
}

test("nothing sent: the chain's count", async () => {
  expect(await new Chain().ledger.next()).toBe(5);
});

test("what was sent is stepped over until the chain shows it, and gaps are filled", async () => {
  const chain = new Chain();
  chain.ledger.record(5, "a");
  chain.ledger.record(7, "b");
  expect(await chain.ledger.next()).toBe(6);
  chain.count = 7;
  expect(await chain.ledger.next()).toBe(8);
  chain.count = 20;
  expect(await chain.ledger.next()).toBe(20);
  expect(chain.asked).toEqual([]);
});

test("after a minute the node is asked, and a transaction that it lost gives its nonce back", async () => {
  const chain = new Chain();
  chain.ledger.record(5, "a");
  chain.ledger.record(6, "b");
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
  for (let nonce = 5; nonce < 1_006; nonce += 1) chain.ledger.record(nonce, "a");
  expect(await chain.ledger.next()).toBe(5);
  chain.ledger.record(5, "a");
  expect(await chain.ledger.next()).toBe(6);
});
