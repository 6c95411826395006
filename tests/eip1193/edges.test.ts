import { describe, expect, test } from "@jest/globals";
import { createProvider, type Eip1193Like, type Eip1193Provider } from "../../src/eip1193/index.ts";
import { AccountDirectory } from "../../src/index.ts";
import { RemoteSigner } from "../../src/signer/remote-signer.ts";
import { MemoryKey } from "../support/memory-key.ts";
import { MemoryStore } from "../support/memory-store.ts";
import { until } from "../support/until.ts";
import { ADDRESS, FRIEND, failureOf, KEY, OTHER_ADDRESS, OTHER_KEY } from "./support.ts";

/** A node that knows its chain, takes what is sent, and has mined nothing; `listeners` are those of its events. */
function node(answers: Readonly<Record<string, unknown>> = {}) {
  const listeners = new Map<string, (event: never) => void>();
  const upstream: Eip1193Like = {
    request: async ({ method }) => {
      const all: Readonly<Record<string, unknown>> = {
        eth_chainId: "0x1",
        eth_getTransactionReceipt: null,
        ...answers,
      };
      if (method in all) return all[method];
      throw Object.assign(new Error(`the method ${method} does not exist`), { code: -32601 });
    },
    on: (event: string, listener: (event: never) => void) => void listeners.set(event, listener),
    removeListener: (event: string) => void listeners.delete(event),
  };
  return { upstream, listeners };
}

function providerOver(
  upstream: Eip1193Like,
  accounts: Parameters<typeof createProvider>[0]["accounts"],
): Eip1193Provider {
  return createProvider({ accounts, provider: upstream });
}

const account = () => new RemoteSigner(new MemoryKey(KEY));
const ask = (provider: Eip1193Provider, method: string, ...params: unknown[]) => provider.request({ method, params });

describe("a request that is none", () => {
  test.each([
    ["no method", {}],
    ["an empty method", { method: "" }],
    ["a method that is not a string", { method: 7 }],
    ["params that are text", { method: "eth_accounts", params: "all" }],
    ["params that are null", { method: "eth_accounts", params: null }],
    ["nothing", undefined],
  ])("%s: -32600", async (_name, request) => {
    const provider = providerOver(node().upstream, [account()]);
    expect(await failureOf(provider.request(request as never))).toMatchObject({ code: -32600 });
  });

  test("eth_sign is refused unless it is switched on", async () => {
    const provider = providerOver(node().upstream, [account()]);
    expect(await failureOf(ask(provider, "eth_sign", ADDRESS, "0x12"))).toMatchObject({ code: 4200 });
  });

  test("a transaction of type 4 that creates a contract is refused", async () => {
    const transaction = {
      from: ADDRESS,
      type: "0x4",
      data: "0x00",
      nonce: "0x0",
      gas: "0x5208",
      authorizationList: [],
    };
    const provider = providerOver(node().upstream, [account()]);
    expect(await failureOf(ask(provider, "eth_signTransaction", transaction))).toMatchObject({ code: -32602 });
  });

  test("an upstream whose chain is not a quantity is at fault", async () => {
    const provider = providerOver(node({ eth_chainId: "mainnet" }).upstream, [account()]);
    expect(await failureOf(ask(provider, "wallet_getCapabilities", ADDRESS))).toMatchObject({ code: -32603 });
  });
});

describe("without an account", () => {
  const empty = () => new AccountDirectory({ stores: [new MemoryStore()] });

  test("eth_accounts is empty, and whatever needs one is unauthorized", async () => {
    const provider = providerOver(node().upstream, empty());
    expect(await ask(provider, "eth_accounts")).toEqual([]);
    expect(await failureOf(ask(provider, "eth_requestAccounts"))).toMatchObject({ code: 4100 });
    const batch = { version: "2.0.0", chainId: "0x1", atomicRequired: false, calls: [{ to: FRIEND }] };
    expect(await failureOf(ask(provider, "wallet_sendCalls", batch))).toMatchObject({ code: 4100 });
  });
});

describe("batches of calls", () => {
  test("a status is asked for by a text", async () => {
    const provider = providerOver(node().upstream, [account()]);
    expect(await failureOf(ask(provider, "wallet_getCallsStatus", 7))).toMatchObject({ code: -32602 });
  });

  test.each([[{}], [{ data: "0x" }]])("a call without a target needs data: %j", async (call) => {
    const batch = { version: "2.0.0", chainId: "0x1", atomicRequired: false, calls: [call] };
    const provider = providerOver(node().upstream, [account()]);
    expect(await failureOf(ask(provider, "wallet_sendCalls", batch))).toMatchObject({ code: -32602 });
  });
});

describe("events", () => {
  test("once is told once, off and removeListener end it, and nothing is listened to upstream any more", async () => {
    const { upstream, listeners } = node();
    const provider = providerOver(upstream, [account()]);
    const heard: string[] = [];
    const always = (chainId: string) => heard.push(`always ${chainId}`);
    provider.on("chainChanged", always).once("chainChanged", (chainId) => heard.push(`once ${chainId}`));
    const move = (chainId: string) => listeners.get("chainChanged")?.(chainId as never);
    await ask(provider, "eth_chainId");
    move("0x2");
    move("0x3");
    expect(heard).toEqual(["always 0x2", "once 0x2", "always 0x3"]);
    provider.off("chainChanged", always);
    await until(() => !listeners.has("chainChanged"));
  });

  test("accountsChanged tells of another list of accounts, and not of the same one", async () => {
    const store = new MemoryStore();
    store.put(KEY);
    const directory = new AccountDirectory({ stores: [store] });
    const provider = providerOver(node().upstream, directory);
    const heard: string[][] = [];
    expect(await ask(provider, "eth_accounts")).toEqual([ADDRESS]);
    provider.on("accountsChanged", (accounts) => heard.push([...accounts]));
    store.put(KEY, "another name");
    await directory.refresh();
    store.put(OTHER_KEY);
    await directory.refresh();
    await until(() => heard.length > 0);
    expect(heard).toEqual([[ADDRESS, OTHER_ADDRESS]]);
    directory.close();
  });
});
