import { describe, expect, test } from "@jest/globals";
import { Transaction } from "ethers";
import { WORDS } from "./support/fake-chain.ts";
import { createWorld, FRIEND, failureOf, payment, type World, wallet } from "./support/world.ts";

const account = { chainId: 99n, address: wallet.address };

async function statesOf({ store }: World): Promise<string[]> {
  const { open } = await store.read(account, { mined: true });
  return open.map(({ nonce, state }) => `${nonce} ${state}`);
}

test("what was mined is mined, and final in a finalized block; then it can be forgotten", async () => {
  const world = createWorld();
  const { chain, process } = world;
  await process().sendTransaction(payment(1, "invoice 1"));
  await process().sendTransaction(payment(2));
  chain.mine();
  await process().reconcile();
  expect(await statesOf(world)).toEqual(["0 mined", "1 mined"]);
  for (let blocks = 0; blocks < 10; blocks += 1) chain.mine();
  expect(await process().reconcile({ keep: 0 })).toEqual([]);
  const { record, next } = await world.store.read(account, { key: "invoice 1" });
  expect([record, next]).toEqual([undefined, 2]);
});

test("what a pool dropped is broadcast again in order, byte for byte", async () => {
  const { chain, key, node, process } = createWorld();
  const sent = [await process().sendTransaction(payment(1)), await process().sendTransaction(payment(2))];
  node.pool.clear();
  await process().reconcile();
  expect([...node.pool.keys()]).toEqual(sent.map(({ hash }) => hash));
  chain.mine();
  expect(chain.mined.map(({ hash }) => hash)).toEqual(sent.map(({ hash }) => hash));
  expect(key.signatures).toBe(2);
});

test.each([1, 2, 3])("a reorg of %i blocks: accepted again, and mined again", async (depth) => {
  const world = createWorld();
  const { chain, process } = world;
  for (let wei = 1; wei <= 3; wei += 1) {
    await process().sendTransaction(payment(wei));
    chain.mine();
  }
  await process().reconcile();
  const hashes = chain.mined.map(({ hash }) => hash);
  chain.reorg(depth, true);
  await process().reconcile();
  expect(await statesOf(world)).toEqual(
    [0, 1, 2].map((nonce) => `${nonce} ${nonce < 3 - depth ? "mined" : "accepted"}`),
  );
  chain.mine();
  await process().reconcile();
  expect(await statesOf(world)).toEqual(["0 mined", "1 mined", "2 mined"]);
  expect(chain.mined.map(({ hash }) => hash)).toEqual(hashes);
});

test("refused bytes that are mined after all: their record is mined, the other superseded, and its key signs once more", async () => {
  const world = createWorld();
  const { chain, node, process, store } = world;
  node.fates.push("refuse-funds");
  await failureOf(process().sendTransaction(payment(1, "first")));
  const refused = String(node.broadcasts[0]);
  await process().sendTransaction(payment(2, "second"));
  chain.mineRaw(refused);
  await process().reconcile();
  const view = await store.read(account, { key: "second", mined: true });
  expect(view.record?.state).toBe("superseded");
  expect(view.open.map(({ key, state }) => [key, state])).toEqual([["first", "mined"]]);
  const again = await process().sendTransaction(payment(2, "second"));
  expect(again.nonce).toBe(1);
  const first = await process().sendTransaction(payment(1, "first"));
  expect(first.hash).toBe(Transaction.from(refused).hash);
});

test("a refused transaction's key broadcasts the same bytes again, unless another has its nonce", async () => {
  const { key, node, process } = createWorld();
  node.fates.push("refuse-funds", "refuse-funds");
  const failure = await failureOf(process().sendTransaction(payment(1, "first")));
  await failureOf(process().sendTransaction(payment(1, "first")));
  const { hash } = await process().sendTransaction(payment(1, "first"));
  expect(hash).toBe(failure.info["hash"]);
  expect(key.signatures).toBe(1);

  node.fates.push("refuse-funds");
  await failureOf(process().sendTransaction(payment(2, "second")));
  await process().sendTransaction(payment(3));
  const taken = await failureOf(process().sendTransaction(payment(2, "second")));
  expect(taken).toMatchObject({ code: "BROADCAST_UNKNOWN", info: { refused: true, nonce: 1 } });
  expect(key.signatures).toBe(3);
});

test("another wallet's dropped transaction leaves a hole that the next send fills, after the grace period", async () => {
  const { chain, node, process } = createWorld();
  const fees = { maxFeePerGas: 3_000_000_000n, maxPriorityFeePerGas: 1n };
  const raw = await wallet.signTransaction({ type: 2, chainId: 99n, nonce: 0, to: FRIEND, gasLimit: 21_000n, ...fees });
  node.answer("eth_sendRawTransaction", [raw]);
  const { nonce } = await process().sendTransaction(payment(1));
  expect(nonce).toBe(1);
  node.pool.delete(String(Transaction.from(raw).hash));
  expect((await process().sendTransaction(payment(2))).nonce).toBe(2);
  expect((await process({ grace: 0 }).sendTransaction(payment(3))).nonce).toBe(0);
  chain.mine();
  expect(chain.mined).toHaveLength(3);
});

test("another wallet's pending transaction that the node hides: its nonce is not tried again within the grace period", async () => {
  const { node, process } = createWorld();
  const fees = { maxFeePerGas: 900_000_000_000n, maxPriorityFeePerGas: 1n };
  const raw = await wallet.signTransaction({ type: 2, chainId: 99n, nonce: 0, to: FRIEND, gasLimit: 21_000n, ...fees });
  node.answer("eth_sendRawTransaction", [raw]);
  const answer = node.answer.bind(node);
  node.answer = (method, params) => (method === "eth_getTransactionCount" ? "0x0" : answer(method, params));
  expect(await failureOf(process().sendTransaction(payment(1)))).toMatchObject({ info: { refused: true, nonce: 0 } });
  expect((await process().sendTransaction(payment(2))).nonce).toBe(1);
});

test("fill: what waits above a vacant nonce is mined", async () => {
  const { chain, node, process } = createWorld();
  const signer = process();
  node.fates.push("refuse-funds");
  await Promise.allSettled([1, 2].map((wei) => signer.sendTransaction(payment(wei))));
  chain.mine();
  expect(chain.mined).toHaveLength(0);
  await process().reconcile({ fill: true });
  chain.mine();
  expect(chain.mined).toHaveLength(2);
  expect(Transaction.from(String(chain.mined[0]?.raw)).to).toBe(wallet.address);
});

describe.each(Object.entries(WORDS))("in the words of %s", (_client, words) => {
  test("a replacement does the same for 10 % more, and the key is answered with what was mined", async () => {
    const { chain, node, process } = createWorld(words);
    const first = await process().sendTransaction({
      ...payment(1, "invoice 1"),
      maxFeePerGas: 3_000_000_000n,
      maxPriorityFeePerGas: 7n,
    });
    const second = await process().replace(first.hash);
    expect(second).toMatchObject({ nonce: 0, to: FRIEND, value: 1n, maxFeePerGas: 3_300_000_000n });
    expect([...node.pool.keys()]).toEqual([second.hash]);
    chain.mine();
    await process().reconcile();
    expect((await process().sendTransaction(payment(1, "invoice 1"))).hash).toBe(second.hash);
    expect(chain.mined).toHaveLength(1);
  });

  test("the first attempt may be mined instead", async () => {
    const { chain, process, store } = createWorld(words);
    const first = await process().sendTransaction(payment(1, "invoice 1"));
    const { raw } = (await store.read(account, { id: first.hash })).record?.attempts[0] ?? {};
    await process().replace(first.hash);
    chain.mineRaw(String(raw));
    await process().reconcile();
    expect((await process().sendTransaction(payment(1, "invoice 1"))).hash).toBe(first.hash);
  });

  test("a cancellation pays the account itself nothing, and its key is not used again", async () => {
    const { chain, process } = createWorld(words);
    const first = await process().sendTransaction(payment(1, "invoice 1"));
    const second = await process().cancel(first.hash);
    expect(second).toMatchObject({ nonce: 0, to: wallet.address, value: 0n, data: "0x" });
    chain.mine();
    await process().reconcile();
    const failure = await failureOf(process().sendTransaction(payment(1, "invoice 1")));
    expect(failure).toMatchObject({ code: "IDEMPOTENCY_CONFLICT", info: { hash: second.hash } });
    expect(failure.message).toContain("cancelled");
  });
});

test("a replacement that would cost more than allowed is not signed", async () => {
  const { key, process } = createWorld();
  const { hash } = await process().sendTransaction(payment(1));
  const failure = await failureOf(process().replace(hash, { maxFeePerGas: 1n }));
  expect(failure).toMatchObject({ code: "INVALID_ARGUMENT" });
  expect(key.signatures).toBe(1);
});

test("two replacements at once: one is sent, the other changed nothing", async () => {
  const { process, store } = createWorld();
  const { hash } = await process().sendTransaction(payment(1));
  const outcomes = await Promise.allSettled([process().replace(hash), process().replace(hash)]);
  expect(outcomes.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
  expect((await store.read(account, { mined: true })).open[0]?.attempts).toHaveLength(2);
});

test("a lagging node's count is not believed: no nonce is used again", async () => {
  const { chain, node, process } = createWorld();
  for (let wei = 1; wei <= 3; wei += 1) {
    await process().sendTransaction(payment(wei));
    chain.mine();
  }
  await process().reconcile();
  for (let blocks = 0; blocks < 10; blocks += 1) chain.mine();
  await process().reconcile({ keep: 0 });
  const lagging = chain.node(WORDS["geth"]);
  lagging.lag = 12;
  expect((await process({}, lagging).sendTransaction(payment(4))).nonce).toBe(3);
  expect((await process({}, node).sendTransaction(payment(5))).nonce).toBe(4);
});

test("a node that lags with receipts does not make a record superseded within the grace period", async () => {
  const world = createWorld();
  const { chain, node, process } = world;
  await process().sendTransaction(payment(1));
  chain.mine();
  const answer = node.answer.bind(node);
  node.answer = (method, params) =>
    method.startsWith("eth_getTransactionRe") || method.endsWith("ByHash") ? null : answer(method, params);
  for (let looks = 0; looks < 3; looks += 1) await process().reconcile();
  expect(await statesOf(world)).toEqual(["0 accepted"]);
  node.answer = answer;
  await process().reconcile();
  expect(await statesOf(world)).toEqual(["0 mined"]);
});

test("a store that lost everything starts at the chain's count", async () => {
  const { chain, process } = createWorld();
  await process().sendTransaction(payment(1));
  await process().sendTransaction(payment(2));
  const { store } = createWorld();
  expect((await process({}, undefined, store).sendTransaction(payment(3))).nonce).toBe(2);
  chain.mine();
  expect(chain.mined).toHaveLength(3);
});
