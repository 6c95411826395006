import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { id, JsonRpcProvider, Network, parseEther, Wallet } from "ethers";
import { memoryNonceStore } from "../../src/nonces/memory-store.ts";
import { type NonceSigner, withNonces } from "../../src/nonces/nonce-signer.ts";
import { RemoteSigner } from "../../src/signer/remote-signer.ts";
import { type Anvil, startAnvil } from "../support/anvil.ts";
import { cellProofSidecar } from "../support/kzg.ts";
import { MemoryKey } from "../support/memory-key.ts";
import { WORDS, type Words } from "./support/fake-chain.ts";
import { NodeProxy } from "./support/node-proxy.ts";
import { FRIEND, failureOf, payment } from "./support/world.ts";

let anvil: Anvil;
beforeAll(async () => {
  anvil = await startAnvil();
});
afterAll(() => anvil.stop());

describe.each(Object.entries(WORDS))("anvil behind the rules and the words of %s", (client, words: Words) => {
  const secret = id(`the account of ${client}`);
  const store = memoryNonceStore();
  let proxy: NodeProxy;
  let provider: JsonRpcProvider;
  let signer: NonceSigner;

  beforeAll(async () => {
    proxy = await NodeProxy.start(anvil.url, words);
    const network = new Network("anvil", anvil.chainId);
    provider = new JsonRpcProvider(proxy.url, network, {
      staticNetwork: network,
      cacheTimeout: -1,
      pollingInterval: 20,
    });
    await anvil.fund(new Wallet(secret).address, parseEther("10"));
    signer = withNonces(new RemoteSigner(new MemoryKey(secret), provider), store);
  });

  afterAll(async () => {
    await provider.send("evm_setAutomine", [true]);
    provider.destroy();
    await proxy.close();
  });

  test("lost answers and lost requests: each payment is made once", async () => {
    await provider.send("evm_setAutomine", [true]);
    proxy.fates.push("lose-answer", "answer", "lose-request", "refuse-funds", "lose-answer");
    const keys = ["a", "b", "c", "d", "e"];
    await Promise.allSettled(keys.map((key) => signer.sendTransaction(payment(1, `${client} ${key}`))));
    const before = await provider.getBalance(FRIEND);
    const again = await Promise.all(keys.map((key) => signer.sendTransaction(payment(1, `${client} ${key}`))));
    await signer.reconcile({ fill: true });
    await Promise.all(again.map((response) => response.wait()));
    expect(new Set(again.map(({ nonce }) => nonce)).size).toBe(5);
    expect((await provider.getBalance(FRIEND)) - before).toBeLessThanOrEqual(5n);
    expect(await provider.getTransactionCount(signer)).toBe(5);
  });

  test("a replacement is accepted under a rule of 10 %, and a cancellation after it", async () => {
    await provider.send("evm_setAutomine", [false]);
    const first = await signer.sendTransaction({ ...payment(2, `${client} r`), maxPriorityFeePerGas: 11n });
    const second = await signer.replace(first.hash);
    const third = await signer.cancel(second.hash);
    await provider.send("evm_mine", []);
    expect((await third.wait())?.status).toBe(1);
    await signer.reconcile();
    const failure = await failureOf(signer.sendTransaction(payment(2, `${client} r`)));
    expect(failure).toMatchObject({ code: "IDEMPOTENCY_CONFLICT", info: { hash: third.hash } });
  });

  test("a reorg of two blocks: what was mined is accepted, broadcast again and mined", async () => {
    await provider.send("evm_setAutomine", [true]);
    const sent = [await signer.sendTransaction(payment(3)), await signer.sendTransaction(payment(4))];
    await Promise.all(sent.map((response) => response.wait()));
    await signer.reconcile();
    await provider.send("anvil_reorg", [2, []]);
    await signer.reconcile();
    await signer.reconcile();
    for (const { hash } of sent) expect((await provider.waitForTransaction(hash))?.status).toBe(1);
  });
});

test("a replacement of a blob transaction pays twice as much, and carries the same blobs", async () => {
  const secret = id("blobs");
  await anvil.fund(new Wallet(secret).address, parseEther("10"));
  const provider = anvil.provider();
  await provider.send("evm_setAutomine", [false]);
  const signer = withNonces(new RemoteSigner(new MemoryKey(secret), provider), memoryNonceStore());
  const blobs = [cellProofSidecar(5n)];
  const fees = { maxFeePerGas: 10_000_000_000n, maxPriorityFeePerGas: 3n, maxFeePerBlobGas: 7n };
  const content = { type: 3, to: FRIEND, gasLimit: 100_000n, blobs, blobWrapperVersion: 1 };
  const first = await signer.sendTransaction({ ...content, ...fees, customData: { idempotencyKey: "blob" } });
  const second = await signer.replace(first.hash);
  expect(second).toMatchObject({ type: 3, maxFeePerGas: 20_000_000_000n, maxFeePerBlobGas: 14n, nonce: first.nonce });
  expect(second.blobVersionedHashes).toEqual(first.blobVersionedHashes);
  const third = await signer.cancel(second.hash);
  await provider.send("evm_mine", []);
  await provider.send("evm_setAutomine", [true]);
  expect((await third.wait())?.status).toBe(1);
});
