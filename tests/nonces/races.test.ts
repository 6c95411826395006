import { expect, test } from "@jest/globals";
import { createWorld, FRIEND, failureOf, payment, separate, wallet } from "./support/world.ts";

const account = { chainId: 99n, address: wallet.address };

/** A promise, and the function that fulfils it. */
function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

test("a signature that comes after another process took the nonce: the key signs for the next one", async () => {
  const { chain, key, process } = createWorld();
  const [slow, started] = [gate(), gate()];
  const sign = key.signDigest.bind(key);
  key.signDigest = async (...parameters) => {
    key.signDigest = sign;
    started.open();
    await slow.opened;
    return sign(...parameters);
  };
  const late = process().sendTransaction(payment(1));
  await started.opened;
  expect((await process().sendTransaction(payment(2))).nonce).toBe(0);
  slow.open();
  expect((await late).nonce).toBe(1);
  expect(key.signatures).toBe(3);
  chain.mine();
  expect(chain.mined).toHaveLength(2);
});

test("a turn that its owner does not give back ends, and then another process sends", async () => {
  const { process, store } = createWorld();
  await store.turn(account, "a process that is gone", 300);
  expect((await process().sendTransaction(payment(1))).nonce).toBe(0);
  expect((await store.read(account)).turn).toBeUndefined();
});

test("refused bytes whose key two processes try again at once: both are answered with them", async () => {
  const { key, node, process } = createWorld();
  node.fates.push("refuse-funds");
  const failure = await failureOf(process().sendTransaction(payment(1, "invoice 1")));
  const again = await Promise.all([1, 2, 3].map(() => process().sendTransaction(payment(1, "invoice 1"))));
  expect(again.map(({ hash }) => hash)).toEqual([1, 2, 3].map(() => failure.info["hash"]));
  expect(key.signatures).toBe(1);
});

test("refused bytes whose nonce another transaction used: their key alone finds out, and signs once more", async () => {
  const { chain, node, process } = createWorld();
  const signer = process({ grace: 0 });
  node.fates.push("refuse-funds");
  await failureOf(signer.sendTransaction(payment(1, "invoice 1")));
  await process().sendTransaction(payment(2));
  chain.mine();
  const codes = [];
  for (let tries = 0; tries < 2; tries += 1)
    codes.push((await failureOf(signer.sendTransaction(payment(1, "invoice 1")))).code);
  expect(codes).toEqual(["BROADCAST_UNKNOWN", "NONCE_EXPIRED"]);
  expect((await signer.sendTransaction(payment(1, "invoice 1"))).nonce).toBe(1);
});

test("a replacement that stops before it is recorded has changed nothing", async () => {
  const { key, process, store } = createWorld();
  const { hash } = await process().sendTransaction(payment(1));
  key.signDigest = async () => Promise.reject(new Error("the process ends"));
  await failureOf(process().replace(hash));
  const [record] = (await store.read(account)).open;
  expect([record?.state, record?.attempts.length]).toEqual(["accepted", 1]);
});

test("a replacement that stops before it is broadcast is broadcast by others, and either may be mined", async () => {
  const { chain, node, process, store } = createWorld();
  const first = await process().sendTransaction(payment(1, "invoice 1"));
  const stops = {
    ...separate(store),
    attempt: async (...parameters: Parameters<typeof store.attempt>) => {
      await store.attempt(...parameters);
      throw new Error("ECONNRESET");
    },
  };
  const failure = await failureOf(process({}, undefined, stops).replace(first.hash));
  expect(failure).toMatchObject({ code: "BROADCAST_UNKNOWN", info: { nonce: 0, idempotencyKey: "invoice 1" } });
  const [record] = (await store.read(account)).open;
  const replacement = record?.attempts[1]?.hash;
  expect(failure.info["hash"]).toBe(replacement);
  expect(node.pool.has(first.hash)).toBe(true);
  await process().reconcile();
  expect([...node.pool.keys()]).toEqual([replacement]);
  chain.mine();
  expect((await process().sendTransaction(payment(1, "invoice 1"))).hash).toBe(replacement);
  expect(chain.mined).toHaveLength(1);
});

test("a replacement while the first is mined: the first one counts, and the key is answered with it", async () => {
  const { chain, node, process } = createWorld();
  const first = await process().sendTransaction(payment(1, "invoice 1"));
  const take = node.answer.bind(node);
  node.answer = (method, params) => {
    if (method === "eth_sendRawTransaction") chain.mine();
    return take(method, params);
  };
  expect((await process().replace(first.hash)).hash).toBe(first.hash);
  node.answer = take;
  expect((await process().sendTransaction(payment(1, "invoice 1"))).hash).toBe(first.hash);
  expect(chain.mined.map(({ hash }) => hash)).toEqual([first.hash]);
});

test("the caller's request may change after the call", async () => {
  const { process } = createWorld();
  const request = { to: FRIEND, value: 1n, customData: { idempotencyKey: "invoice 1" } };
  const sending = process().sendTransaction(request);
  Object.assign(request, { value: 2n });
  request.customData.idempotencyKey = "invoice 2";
  expect((await sending).value).toBe(1n);
  expect((await process().sendTransaction(payment(1, "invoice 1"))).nonce).toBe(0);
});
