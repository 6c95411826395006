import { afterAll, beforeAll, beforeEach, expect, test } from "@jest/globals";
import { id, type JsonRpcProvider, parseEther, Wallet } from "ethers";
import { createProvider, type Eip1193Provider } from "../../src/eip1193/index.ts";
import { memoryNonceStore } from "../../src/nonces/memory-store.ts";
import type { NonceStore } from "../../src/nonces/store.ts";
import { RemoteSigner } from "../../src/signer/remote-signer.ts";
import { type Anvil, startAnvil } from "../support/anvil.ts";
import { MemoryKey } from "../support/memory-key.ts";
import { FRIEND, failureOf } from "./support.ts";

let anvil: Anvil;
let chain: JsonRpcProvider;
let store: NonceStore;
let key: MemoryKey;
let from: string;
let accounts = 0;

beforeAll(async () => {
  anvil = await startAnvil();
  chain = anvil.provider();
});
afterAll(() => anvil.stop());

beforeEach(async () => {
  accounts += 1;
  const secret = id(`shared nonces ${accounts}`);
  key = new MemoryKey(secret);
  store = memoryNonceStore();
  from = new Wallet(secret).address.toLowerCase();
  await anvil.fund(from, parseEther("10"));
});

/** Each is as in a process of its own: it shares the store and the key. */
function start(provider: Parameters<typeof createProvider>[0]["provider"] = chain): Eip1193Provider {
  return createProvider({ accounts: [new RemoteSigner(key)], provider, nonces: { ...bound(store) } });
}

function bound(own: NonceStore): NonceStore {
  return {
    read: (...parameters) => own.read(...parameters),
    commit: (...parameters) => own.commit(...parameters),
    attempt: (...parameters) => own.attempt(...parameters),
    mark: (...parameters) => own.mark(...parameters),
    turn: (...parameters) => own.turn(...parameters),
    prune: (...parameters) => own.prune(...parameters),
  };
}

const pay = (provider: Eip1193Provider, value: string) =>
  provider.request({ method: "eth_sendTransaction", params: [{ from, to: FRIEND, value }] }) as Promise<string>;

test("two providers over one store send with consecutive nonces", async () => {
  const providers = [start(), start()];
  const hashes = await Promise.all(
    Array.from({ length: 10 }, (_, index) => pay(providers[index % 2] as Eip1193Provider, "0x1")),
  );
  const sent = await Promise.all(hashes.map((hash) => chain.getTransaction(hash)));
  expect(sent.map((each) => each?.nonce).sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

test("what is lost on its way is 4900 with the hash, and the next send broadcasts it first", async () => {
  let losses = 1;
  const lossy = {
    request: async ({ method, params }: { method: string; params?: readonly unknown[] }) => {
      if (method === "eth_sendRawTransaction" && losses-- > 0) throw new Error("ECONNRESET");
      return chain.send(method, [...(params ?? [])]);
    },
  };
  const failure = await failureOf(pay(start(lossy), "0x1"));
  expect(failure).toMatchObject({ code: 4900, data: { code: "BROADCAST_UNKNOWN", retryable: false } });
  await pay(start(), "0x2");
  const { transactionHash } = failure.data as { transactionHash: string };
  expect((await chain.getTransaction(transactionHash))?.nonce).toBe(0);
  expect(await chain.getTransactionCount(from)).toBe(2);
});

test("what the node refuses is -32003, and its nonce is taken by the next send", async () => {
  const refusing = {
    request: async ({ method, params }: { method: string; params?: readonly unknown[] }) => {
      if (method === "eth_sendRawTransaction")
        throw Object.assign(new Error("insufficient funds for gas * price + value"), { code: -32000 });
      return chain.send(method, [...(params ?? [])]);
    },
  };
  const failure = await failureOf(pay(start(refusing), "0x1"));
  expect(failure).toMatchObject({ code: -32003, data: { code: "BROADCAST_UNKNOWN" } });
  const hash = await pay(start(), "0x2");
  expect((await chain.getTransaction(hash))?.nonce).toBe(0);
});

test("a nonce of the caller's is refused: the store chooses", async () => {
  const request = { from, to: FRIEND, nonce: "0x5" };
  const failure = await failureOf(start().request({ method: "eth_sendTransaction", params: [request] }));
  expect(failure).toMatchObject({
    code: -32602,
    message: expect.stringContaining("the nonce store chooses the nonce"),
  });
  expect(key.signatures).toBe(0);
});

test("a store that fails is -32002, and nothing is signed", async () => {
  store = { ...bound(store), read: async () => Promise.reject(new Error("ECONNREFUSED")) };
  expect(await failureOf(pay(start(), "0x1"))).toMatchObject({
    code: -32002,
    data: { code: "BACKEND_UNAVAILABLE", retryable: true },
  });
  expect(key.signatures).toBe(0);
});
