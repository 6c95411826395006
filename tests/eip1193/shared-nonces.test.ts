import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
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

describe("a batch of calls with an id", () => {
  const batchOf = (id: string, values: string[]) => ({
    ...{ version: "2.0.0", chainId: "0x7a69", atomicRequired: false, id, from },
    calls: values.map((value) => ({ to: FRIEND, value })),
  });
  const sendCalls = (provider: Eip1193Provider, id: string, values: string[]) =>
    provider.request({ method: "wallet_sendCalls", params: [batchOf(id, values)] });
  const statusOf = (provider: Eip1193Provider, id: string) =>
    provider.request({ method: "wallet_getCallsStatus", params: [id] }) as Promise<{
      status: number;
      receipts: { transactionHash: string }[];
    }>;

  test("is finished by another process, which signs what is missing alone; the calls' gas is not asked for again", async () => {
    const original = store;
    let commits = 0;
    const stops = async (...parameters: Parameters<NonceStore["commit"]>) => {
      commits += 1;
      if (commits > 1) throw new Error("the process ends");
      return original.commit(...parameters);
    };
    store = { ...bound(original), commit: stops };
    await sendCalls(start(), "payroll", ["0x1", "0x2", "0x3"]);
    store = original;
    const signed = key.signatures;
    const asked: string[] = [];
    const counting = {
      request: async ({ method, params }: { method: string; params?: readonly unknown[] }) => {
        asked.push(method);
        return chain.send(method, [...(params ?? [])]);
      },
    };
    const other = start(counting);
    const before = await chain.getBalance(FRIEND);
    expect(await sendCalls(other, "payroll", ["0x1", "0x2", "0x3"])).toEqual({ id: "payroll" });
    const { status, receipts } = await statusOf(other, "payroll");
    expect([status, receipts.length, key.signatures - signed]).toEqual([200, 3, 2]);
    expect(asked.filter((method) => method === "eth_estimateGas")).toHaveLength(2);
    expect((await chain.getBalance(FRIEND)) - before).toBe(5n);
    expect(await chain.getTransactionCount(from)).toBe(3);
  });

  test("that is complete is 5720 in its process; to another one it is answered for, and nothing is signed", async () => {
    const provider = start();
    await sendCalls(provider, "payroll", ["0x1", "0x2"]);
    expect(await failureOf(sendCalls(provider, "payroll", ["0x1", "0x2"]))).toMatchObject({ code: 5720 });
    const other = start();
    await sendCalls(other, "payroll", ["0x1", "0x2"]);
    expect(await statusOf(other, "payroll")).toMatchObject({ status: 200 });
    expect(key.signatures).toBe(2);
  });

  test("with other calls is 5720", async () => {
    await sendCalls(start(), "payroll", ["0x1", "0x2"]);
    expect(await failureOf(sendCalls(start(), "payroll", ["0x1", "0x3"]))).toMatchObject({ code: 5720 });
    expect(await chain.getTransactionCount(from)).toBe(2);
  });

  test("lists a call whose broadcast was lost, since it may be mined", async () => {
    let broadcasts = 0;
    const lossy = {
      request: async ({ method, params }: { method: string; params?: readonly unknown[] }) => {
        if (method === "eth_sendRawTransaction" && ++broadcasts === 2) throw new Error("ECONNRESET");
        return chain.send(method, [...(params ?? [])]);
      },
    };
    const provider = start(lossy);
    await sendCalls(provider, "payroll", ["0x1", "0x2"]);
    expect(await statusOf(provider, "payroll")).toMatchObject({ status: 100 });
    await sendCalls(provider, "payroll", ["0x1", "0x2"]);
    expect(await statusOf(provider, "payroll")).toMatchObject({ status: 200 });
    expect(key.signatures).toBe(2);
  });
});
