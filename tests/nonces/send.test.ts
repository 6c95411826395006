import { expect, test } from "@jest/globals";
import { createWorld, failureOf, payment, separate, wallet } from "./support/world.ts";

test("sends in parallel have consecutive nonces and are mined", async () => {
  const { chain, key, process } = createWorld();
  const signer = process();
  const responses = await Promise.all(Array.from({ length: 10 }, (_, index) => signer.sendTransaction(payment(index))));
  expect(responses.map(({ nonce }) => nonce)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  chain.mine();
  expect(chain.mined.map(({ hash }) => hash)).toEqual(responses.map(({ hash }) => hash));
  expect(key.signatures).toBe(10);
  const receipt = await responses[9]?.wait();
  expect(receipt?.hash).toBe(responses[9]?.hash);
});

test("processes that share a store have consecutive nonces, and few signatures are wasted", async () => {
  const { chain, key, process } = createWorld();
  const signers = Array.from({ length: 4 }, () => process({ maxInFlight: 100 }));
  const responses = await Promise.all(
    Array.from({ length: 40 }, (_, index) => signers[index % 4]?.sendTransaction(payment(index))),
  );
  const nonces = responses.map((response) => response?.nonce).sort((one = 0, other = 0) => one - other);
  expect(nonces).toEqual(Array.from({ length: 40 }, (_, index) => index));
  chain.mine();
  expect(chain.mined).toHaveLength(40);
  expect(key.signatures).toBeLessThanOrEqual(4 * 40);
});

test("a key that fails leaves no gap", async () => {
  const { chain, key, process } = createWorld();
  const signer = process();
  const sign = key.signDigest.bind(key);
  let calls = 0;
  key.signDigest = async (...parameters) => {
    calls += 1;
    if (calls === 2) throw new Error("refused");
    return sign(...parameters);
  };
  const outcomes = await Promise.allSettled([1, 2, 3].map((wei) => signer.sendTransaction(payment(wei))));
  expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  chain.mine();
  expect(chain.mined.map(({ nonce }) => nonce)).toEqual([0, 1]);
});

test("a known key is answered for without a signature, in this process and in another", async () => {
  const { chain, key, node, process } = createWorld();
  const first = await process().sendTransaction(payment(1, "invoice 1"));
  const again = await process().sendTransaction(payment(1, "invoice 1"));
  chain.mine();
  const later = await process().sendTransaction(payment(1, "invoice 1"));
  expect([again.hash, later.hash]).toEqual([first.hash, first.hash]);
  expect(key.signatures).toBe(1);
  expect(node.broadcasts).toHaveLength(1);
});

test("a key of another transaction is IDEMPOTENCY_CONFLICT", async () => {
  const { key, process } = createWorld();
  const { hash } = await process().sendTransaction(payment(1, "invoice 1"));
  const failure = await failureOf(process().sendTransaction(payment(2, "invoice 1")));
  expect(failure).toMatchObject({ code: "IDEMPOTENCY_CONFLICT", retryable: false, info: { hash, nonce: 0 } });
  expect(key.signatures).toBe(1);
});

test("the same key twice at once has one record and two equal answers", async () => {
  const { chain, process } = createWorld();
  const signers = [process(), process(), process()];
  const responses = await Promise.all(signers.map((signer) => signer.sendTransaction(payment(1, "invoice 1"))));
  expect(new Set(responses.map(({ hash }) => hash)).size).toBe(1);
  chain.mine();
  expect(chain.mined).toHaveLength(1);
});

test("an account that runs a contract's code has one transaction in flight", async () => {
  const { chain, node, process } = createWorld();
  node.code = `0xef0100${"11".repeat(20)}`;
  const signer = process({ timeout: 300 });
  await signer.sendTransaction(payment(1));
  const failure = await failureOf(signer.sendTransaction(payment(2)));
  expect(failure).toMatchObject({ code: "THROTTLED", retryable: true });
  chain.mine();
  expect((await signer.sendTransaction(payment(2))).nonce).toBe(1);
});

test("maxInFlight limits what waits to be mined", async () => {
  const { chain, process } = createWorld();
  const signer = process({ maxInFlight: 2, timeout: 300 });
  await Promise.all([1, 2].map((wei) => signer.sendTransaction(payment(wei))));
  expect(await failureOf(signer.sendTransaction(payment(3)))).toMatchObject({ code: "THROTTLED" });
  chain.mine();
  expect((await signer.sendTransaction(payment(3))).nonce).toBe(2);
});

test("a store that is down: nothing is signed", async () => {
  const { key, process, store } = createWorld();
  const down = { ...separate(store), read: async () => Promise.reject(new Error("ECONNREFUSED")) };
  const failure = await failureOf(process({}, undefined, down).sendTransaction(payment(1)));
  expect(failure).toMatchObject({ code: "BACKEND_UNAVAILABLE", retryable: true, backend: "nonce-store" });
  expect(key.signatures).toBe(0);
});

test("a commit whose answer is lost is found by its hash: no second signature", async () => {
  const { chain, key, process, store } = createWorld();
  let losses = 1;
  const lossy = {
    ...separate(store),
    commit: async (...parameters: Parameters<typeof store.commit>) => {
      const result = await store.commit(...parameters);
      if (losses-- > 0) throw new Error("ECONNRESET");
      return result;
    },
  };
  const { nonce } = await process({}, undefined, lossy).sendTransaction(payment(1));
  expect(nonce).toBe(0);
  expect(key.signatures).toBe(1);
  chain.mine();
  expect(chain.mined).toHaveLength(1);
});

test("a store that fails after the commit does not hold back the bytes, and the next send heals the record", async () => {
  const { chain, process, store } = createWorld();
  const fails = { ...separate(store), mark: async () => Promise.reject(new Error("ECONNREFUSED")) };
  const { hash } = await process({}, undefined, fails).sendTransaction(payment(1));
  await process().sendTransaction(payment(2));
  const { open } = await store.read({ chainId: 99n, address: wallet.address });
  expect(open.map(({ state }) => state)).toEqual(["accepted", "accepted"]);
  chain.mine();
  expect(chain.mined[0]?.hash).toBe(hash);
});

test("a nonce of the caller's is refused", async () => {
  const { process } = createWorld();
  expect(await failureOf(process().sendTransaction({ ...payment(1), nonce: 3 }))).toMatchObject({
    code: "INVALID_ARGUMENT",
  });
});
