import { describe, expect, test } from "@jest/globals";
import { WORDS } from "./support/fake-chain.ts";
import { createWorld, failureOf, payment, wallet } from "./support/world.ts";

describe.each(Object.entries(WORDS))("in the words of %s", (_client, words) => {
  test("an answer that is lost is not a failure if the node has the bytes", async () => {
    const { node, process } = createWorld(words);
    node.fates.push("lose-answer");
    const response = await process().sendTransaction(payment(1));
    expect(node.pool.has(response.hash)).toBe(true);
  });

  test("a request that is lost is BROADCAST_UNKNOWN, and the key broadcasts the same bytes", async () => {
    const { chain, key, node, process } = createWorld(words);
    node.fates.push("lose-request");
    const failure = await failureOf(process().sendTransaction(payment(1, "invoice 1")));
    expect(failure).toMatchObject({ code: "BROADCAST_UNKNOWN", retryable: true, info: { nonce: 0, refused: false } });
    const { hash } = await process().sendTransaction(payment(1, "invoice 1"));
    expect(hash).toBe(failure.info["hash"]);
    expect(key.signatures).toBe(1);
    expect(new Set(node.broadcasts).size).toBe(1);
    chain.mine();
    expect(chain.mined).toHaveLength(1);
  });

  test("what another process committed is broadcast first, byte for byte", async () => {
    const { chain, node, process } = createWorld(words);
    node.fates.push("lose-request");
    const failure = await failureOf(process().sendTransaction(payment(1)));
    expect(failure.retryable).toBe(false);
    const { nonce } = await process().sendTransaction(payment(2));
    expect(nonce).toBe(1);
    chain.mine();
    expect(chain.mined[0]?.hash).toBe(failure.info["hash"]);
    expect(chain.mined).toHaveLength(2);
  });

  test("refused bytes vacate their nonce, which the next send takes", async () => {
    const { chain, node, process } = createWorld(words);
    node.fates.push("refuse-funds");
    const failure = await failureOf(process().sendTransaction(payment(1)));
    expect(failure).toMatchObject({ code: "BROADCAST_UNKNOWN", retryable: false, info: { refused: true, nonce: 0 } });
    const { nonce } = await process().sendTransaction(payment(2));
    expect(nonce).toBe(0);
    chain.mine();
    expect(chain.mined).toHaveLength(1);
  });

  test("a vacant nonce below others is filled by the next send", async () => {
    const { chain, node, process } = createWorld(words);
    node.fates.push("refuse-funds");
    const signer = process();
    const outcomes = await Promise.allSettled([1, 2, 3].map((wei) => signer.sendTransaction(payment(wei))));
    expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "fulfilled", "fulfilled"]);
    chain.mine();
    const before = chain.mined.length;
    await process().sendTransaction(payment(4));
    chain.mine();
    expect(before + chain.mined.length).toBeGreaterThanOrEqual(3);
    expect(chain.mined.map(({ nonce }) => nonce)).toEqual(chain.mined.map((_, index) => index));
  });

  test("another wallet's transaction with the nonce: superseded after the grace period, and the key signs once more", async () => {
    const { chain, node, process, store, key } = createWorld(words);
    node.fates.push("lose-request");
    const options = { grace: 0 };
    await failureOf(process(options).sendTransaction(payment(1, "invoice 1")));
    chain.mineRaw(await signedElsewhere(0));
    // The first look finds the nonce used, the second one that none of its hashes was mined.
    await process(options).reconcile();
    await process(options).reconcile();
    const { nonce } = await process(options).sendTransaction(payment(1, "invoice 1"));
    expect(nonce).toBe(1);
    expect(key.signatures).toBe(2);
    const account = { chainId: 99n, address: wallet.address };
    expect((await store.read(account, { key: "invoice 1" })).record?.nonce).toBe(1);
  });

  test("a node that holds nothing ahead of its turn gets one after the other", async () => {
    const { chain, node, process } = createWorld(words);
    node.hasQueue = false;
    node.fates.push("lose-request");
    const first = process();
    await failureOf(first.sendTransaction(payment(1)));
    const responses = await Promise.all([2, 3].map((wei) => process().sendTransaction(payment(wei))));
    expect(responses.map(({ nonce }) => nonce).sort()).toEqual([1, 2]);
    chain.mine();
    expect(chain.mined).toHaveLength(3);
  });
});

async function signedElsewhere(nonce: number): Promise<string> {
  const fees = { maxFeePerGas: 3_000_000_000n, maxPriorityFeePerGas: 1n };
  return wallet.signTransaction({ type: 2, chainId: 99n, nonce, to: wallet.address, gasLimit: 21_000n, ...fees });
}
