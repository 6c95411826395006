import { EventEmitter } from "node:events";
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { type JsonRpcProvider, type Wallet, WebSocketProvider } from "ethers";
import { Emitter } from "../../src/eip1193/emitter.ts";
import { type AccountSource, createProvider } from "../../src/eip1193/index.ts";
import { type Anvil, startAnvil } from "../support/anvil.ts";
import { until } from "../support/until.ts";
import { ADDRESS, FRIEND, failureOf, OTHER_ADDRESS, otherWallet, wallet } from "./support.ts";

let anvil: Anvil;
let chain: JsonRpcProvider;

beforeAll(async () => {
  anvil = await startAnvil();
  chain = anvil.provider();
});

afterAll(() => anvil.stop());

/** A directory whose accounts change. */
class Directory implements AccountSource {
  signers = [wallet];
  readonly listeners = new Set<() => void>();

  async accounts(): Promise<string[]> {
    return this.signers.map(({ address }) => address);
  }

  async getSigner(address: string): Promise<Wallet> {
    return this.signers.find((each) => each.address === address) ?? Promise.reject(new Error("unknown"));
  }

  on(_event: "change", listener: () => void): void {
    this.listeners.add(listener);
  }

  off(_event: "change", listener: () => void): void {
    this.listeners.delete(listener);
  }

  change(signers: Wallet[]): void {
    this.signers = signers;
    for (const listener of this.listeners) listener();
  }
}

/** An EIP-1193 provider on a chain that can be changed, which says so if it has events. */
class Node1193 extends EventEmitter {
  chainId = "0x1";
  isDown = false;

  async request({ method }: { method: string }): Promise<unknown> {
    if (this.isDown) throw new Error("socket hang up");
    return method === "eth_chainId" ? this.chainId : null;
  }
}

test("accountsChanged follows the directory, and only real changes", async () => {
  const directory = new Directory();
  const provider = createProvider({ accounts: directory, provider: chain });
  const told: (readonly string[])[] = [];
  const listener = (accounts: readonly string[]) => told.push(accounts);
  provider.on("accountsChanged", listener);
  expect(await provider.request({ method: "eth_requestAccounts" })).toEqual([ADDRESS]);
  directory.change([wallet]);
  directory.change([wallet, otherWallet]);
  await until(() => told.length > 0);
  expect(told).toEqual([[ADDRESS, OTHER_ADDRESS]]);
  expect(await provider.request({ method: "eth_accounts" })).toEqual([ADDRESS, OTHER_ADDRESS]);
  provider.removeListener("accountsChanged", listener);
  expect(directory.listeners.size).toBe(0);
});

test("a directory's accounts sign, and those that are gone do not", async () => {
  const directory = new Directory();
  const provider = createProvider({ accounts: directory, provider: chain });
  const sign = () => provider.request({ method: "personal_sign", params: ["text", ADDRESS] });
  expect(await sign()).toBe(await wallet.signMessage("text"));
  directory.change([otherWallet]);
  expect(await failureOf(sign())).toMatchObject({ code: 4100 });
  directory.change([]);
  expect(await provider.request({ method: "personal_listAccounts" })).toEqual([]);
  expect(await failureOf(provider.request({ method: "eth_requestAccounts" }))).toMatchObject({ code: 4100 });
});

describe("the connection", () => {
  test("connect, disconnect and chainChanged show in the answers of an upstream without events", async () => {
    const node = new Node1193();
    const provider = createProvider({ accounts: [], provider: { request: (args) => node.request(args) } });
    const told: unknown[] = [];
    provider.on("connect", (info) => told.push(info));
    provider.on("disconnect", ({ code }) => told.push(code));
    provider.on("chainChanged", (chainId) => told.push(chainId));
    const ask = (method = "eth_chainId") => provider.request({ method });
    await ask();
    await ask();
    expect(told.splice(0)).toEqual([{ chainId: "0x1" }]);
    node.chainId = "0x2";
    await ask();
    expect(told.splice(0)).toEqual(["0x2"]);
    node.isDown = true;
    for (const method of ["eth_chainId", "eth_blockNumber"]) {
      expect(await failureOf(ask(method))).toMatchObject({ code: 4900 });
    }
    expect(told.splice(0)).toEqual([4900]);
    node.isDown = false;
    await ask("eth_blockNumber");
    expect(told).toEqual([{ chainId: "0x2" }]);
  });

  test("an upstream's own events are passed on while there are listeners", async () => {
    const node = new Node1193();
    const provider = createProvider({ accounts: [], provider: node });
    const told: unknown[] = [];
    const message = { type: "eth_subscription", data: { subscription: "0x1", result: {} } };
    const listener = (event: unknown) => told.push(event);
    provider.on("connect", listener);
    provider.on("chainChanged", listener);
    provider.on("message", listener);
    provider.once("disconnect", ({ code }) => told.push(code));
    node.emit("connect", { chainId: "0x1" });
    node.emit("chainChanged", "0x02");
    node.emit("chainChanged", "0x2");
    node.emit("message", message);
    node.emit("disconnect", { code: 4900, message: "gone" });
    expect(told).toEqual([{ chainId: "0x1" }, "0x2", message, 4900]);
    expect(node.listenerCount("disconnect")).toBe(0);
    for (const name of ["connect", "chainChanged", "message"] as const) provider.off(name, listener);
    expect(node.eventNames()).toEqual([]);
  });

  test("a send goes to the chain that the upstream moved to", async () => {
    const node = new Node1193();
    const provider = createProvider({ accounts: [wallet], provider: node });
    const ask = (chainId: string) =>
      provider.request({ method: "wallet_getCapabilities", params: [ADDRESS, [chainId]] });
    expect(await ask("0x1")).toEqual({ "0x1": { atomic: { status: "unsupported" } } });
    node.chainId = "0x2";
    expect(await ask("0x1")).toEqual({});
  });
});

describe("subscriptions", () => {
  test("over a WebSocketProvider", async () => {
    const socket = new WebSocketProvider(anvil.url.replace("http", "ws"));
    const provider = createProvider({ accounts: [wallet], provider: socket });
    const told: { type: string; data: unknown }[] = [];
    provider.on("message", (message) => told.push(message));
    const subscription = await provider.request({ method: "eth_subscribe", params: ["newHeads"] });
    await chain.send("anvil_mine", []);
    await until(() => told.length > 0);
    expect(told[0]).toMatchObject({ type: "eth_subscription", data: { subscription, result: { number: "0x1" } } });
    expect(await provider.request({ method: "eth_unsubscribe", params: [subscription] })).toBe(true);

    await anvil.fund(ADDRESS, 10n ** 18n);
    const hash = await provider.request({ method: "eth_sendTransaction", params: [{ from: ADDRESS, to: FRIEND }] });
    // anvil mines after it has answered.
    await until(async () => (await chain.getTransactionReceipt(hash as string)) !== null);
    expect(await chain.getTransactionReceipt(hash as string)).toMatchObject({ status: 1 });

    const disconnected = new Promise((resolve) => provider.once("disconnect", resolve));
    await socket.destroy();
    expect(await disconnected).toMatchObject({ code: 4900 });
  });

  test("over HTTP, the node says that it cannot", async () => {
    const provider = createProvider({ accounts: [], provider: chain });
    const failure = await failureOf(provider.request({ method: "eth_subscribe", params: ["newHeads"] }));
    expect(failure.code).toBeLessThan(0);
  });

  test("over another provider of ours", async () => {
    const socket = new WebSocketProvider(anvil.url.replace("http", "ws"));
    const inner = createProvider({ accounts: [wallet], provider: socket });
    const provider = createProvider({ accounts: [otherWallet], provider: inner });
    const message = new Promise((resolve) => provider.once("message", resolve));
    const subscription = await provider.request({ method: "eth_subscribe", params: ["newHeads"] });
    await chain.send("anvil_mine", []);
    expect(await message).toMatchObject({ data: { subscription } });
    await socket.destroy();
  });
});

describe("listeners", () => {
  test("run in order and as often as added, and one removal removes one", () => {
    const emitter = new Emitter<{ event: number }>();
    const told: string[] = [];
    const listener = (value: number) => told.push(`a${value}`);
    emitter.on("event", listener);
    emitter.on("event", (value) => told.push(`b${value}`));
    emitter.on("event", listener);
    emitter.emit("event", 1);
    emitter.off("event", listener);
    emitter.emit("event", 2);
    emitter.off("event", () => {});
    expect(told).toEqual(["a1", "b1", "a1", "a2", "b2"]);
  });

  test("one that throws disturbs neither the others nor the request", async () => {
    const uncaught: (() => void)[] = [];
    const queue = jest
      .spyOn(globalThis, "queueMicrotask")
      .mockImplementation((callback) => void uncaught.push(callback));
    const emitter = new Emitter<{ event: number }>();
    const told: number[] = [];
    emitter.once("event", () => {
      throw new Error("a listener's own");
    });
    emitter.on("event", (value) => told.push(value));
    emitter.emit("event", 1);
    emitter.emit("event", 2);
    queue.mockRestore();
    expect(told).toEqual([1, 2]);
    expect(uncaught).toHaveLength(1);
    expect(uncaught[0]).toThrow("a listener's own");
  });
});

describe("a listener that is not a function", () => {
  test.each([undefined, null, "text", {}])("%p is refused at once", (listener) => {
    const provider = createProvider({ accounts: [], provider: chain });
    for (const method of ["on", "once"] as const) {
      expect(() => provider[method]("connect", listener as never)).toThrow(
        expect.objectContaining({ code: "INVALID_ARGUMENT" }),
      );
    }
  });
});

test("listeners are added, called and removed in any number and order", () => {
  const emitter = new Emitter<{ event: number }>();
  const told: number[] = [];
  const listeners = Array.from({ length: 100_000 }, (_, index) => () => void told.push(index));
  for (const listener of listeners) emitter.on("event", listener);
  for (const listener of listeners) emitter.once("event", listener);
  emitter.emit("event", 1);
  expect(told).toHaveLength(200_000);
  for (const listener of listeners.slice(1)) emitter.off("event", listener);
  emitter.emit("event", 2);
  expect(told.slice(200_000)).toEqual([0]);
});
