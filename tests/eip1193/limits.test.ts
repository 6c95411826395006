import { afterAll, beforeEach, describe, expect, test } from "@jest/globals";
import {
  FetchRequest,
  JsonRpcApiProvider,
  type JsonRpcError,
  type JsonRpcPayload,
  type JsonRpcResult,
  Network,
  Transaction,
  toQuantity,
} from "ethers";
import { createProvider, type ProviderOptions } from "../../src/eip1193/index.ts";
import { RemoteSigner } from "../../src/signer/remote-signer.ts";
import { MemoryKey } from "../support/memory-key.ts";
import { FakeNode, nodeError } from "./fake-node.ts";
import { ADDRESS, FRIEND, failureOf, KEY } from "./support.ts";

let node: FakeNode;
let key: MemoryKey;

beforeEach(() => {
  node = new FakeNode();
  key = new MemoryKey(KEY);
});

function ask(method: string, params: unknown[] = [], options: Partial<ProviderOptions> = {}): Promise<unknown> {
  return createProvider({ accounts: [new RemoteSigner(key)], provider: node, ...options }).request({ method, params });
}

const transaction = { from: ADDRESS, to: FRIEND };
const send = (fields: object = {}, options: Partial<ProviderOptions> = {}) =>
  ask("eth_sendTransaction", [{ ...transaction, ...fields }], options);
const typedData = (chainId: number) => ({
  types: { EIP712Domain: [{ name: "chainId", type: "uint256" }], Note: [{ name: "text", type: "string" }] },
  ...{ primaryType: "Note", domain: { chainId }, message: { text: "hello" } },
});

describe("chain 0", () => {
  beforeEach(() => {
    node.answers["eth_chainId"] = () => "0x0";
    node.answers["eth_getBlockByNumber"] = () => ({});
    node.answers["eth_gasPrice"] = () => "0x1";
  });

  test.each<[string, unknown[]]>([
    ["eth_sendTransaction", [transaction]],
    ["eth_sendTransaction", [{ ...transaction, gasPrice: "0x1", chainId: "0x0" }]],
    ["eth_signTransaction", [{ ...transaction, type: "0x0" }]],
    ["eth_signTypedData_v4", [ADDRESS, typedData(0)]],
    ["wallet_sendCalls", [{ version: "2.0.0", chainId: "0x0", atomicRequired: true, calls: [{ to: FRIEND }] }]],
    ["eth_chainId", []],
  ])("of the node is refused by %s", async (method, params) => {
    const failure = await failureOf(ask(method, params, { unprotectedTransactions: true }));
    expect(failure).toMatchObject({ code: 4901, message: expect.stringMatching(/chain 0/) });
    expect(key.signatures).toBe(0);
  });
});

describe("a legacy transaction that names chain 0", () => {
  const request = { ...transaction, type: "0x0", gasPrice: "0x1", chainId: "0x0" };

  test("is refused", async () => {
    expect(await failureOf(ask("eth_signTransaction", [request]))).toMatchObject({ code: 4901 });
  });

  test("is signed without EIP-155 if the option allows it, and of no other type", async () => {
    const options = { unprotectedTransactions: true };
    const raw = await ask("eth_signTransaction", [request], options);
    expect(Transaction.from(String(raw))).toMatchObject({ type: 0, chainId: 0n, signature: { networkV: null } });
    const other = { ...transaction, type: "0x2", chainId: "0x0" };
    expect(await failureOf(ask("eth_signTransaction", [other], options))).toMatchObject({ code: 4901 });
  });

  test("one that names no chain has EIP-155, whatever the option", async () => {
    const { chainId: _, ...unnamed } = request;
    const raw = await ask("eth_signTransaction", [unnamed], { unprotectedTransactions: true });
    expect(Transaction.from(String(raw)).chainId).toBe(1n);
  });
});

test.each<[string, unknown[]]>([
  ["eth_sendTransaction", [transaction]],
  ["eth_signTransaction", [transaction]],
  ["eth_signTypedData_v4", [ADDRESS, typedData(1)]],
  ["eth_chainId", []],
])("%s is 4901 if the node is on another chain than the option chainId", async (method, params) => {
  const failure = await failureOf(ask(method, params, { chainId: 10 }));
  expect(failure).toMatchObject({ code: 4901, message: expect.stringMatching(/on chain 1.*chain 10/) });
  expect(key.signatures).toBe(0);
  await ask(method, params, { chainId: 1n });
});

describe("maxFeePerTransaction", () => {
  const limit = { maxFeePerTransaction: 21_000n * 3_000_000_000n };

  test("allows what costs exactly that", async () => {
    await send({}, limit);
    expect(node.sent[0]).toMatchObject({ gasLimit: 21_000n, maxFeePerGas: 3_000_000_000n });
  });

  test.each<[string, object]>([
    ["the caller's gas", { gas: "0x5209" }],
    ["the caller's maxFeePerGas", { maxFeePerGas: "0xb2d05e01", maxPriorityFeePerGas: "0x0" }],
    ["the caller's gasPrice", { gasPrice: "0xb2d05e01" }],
  ])("refuses %s", async (_name, fields) => {
    for (const method of ["eth_sendTransaction", "eth_signTransaction"]) {
      const failure = await failureOf(ask(method, [{ ...transaction, ...fields }], limit));
      expect(failure).toMatchObject({
        code: -32003,
        data: { maxFeePerTransaction: toQuantity(limit.maxFeePerTransaction) },
      });
      expect(failure.message).toMatch(/maxFeePerTransaction/);
    }
    expect(key.signatures).toBe(0);
  });

  test.each<[string, string, unknown]>([
    ["gas", "eth_estimateGas", "0x5209"],
    ["base fee", "eth_getBlockByNumber", { baseFeePerGas: "0x3b9aca01" }],
    ["priority fee", "eth_maxPriorityFeePerGas", "0x3b9aca01"],
  ])("refuses the node's %s", async (_name, method, answer) => {
    node.answers[method] = () => answer;
    expect(await failureOf(send({}, limit))).toMatchObject({ code: -32003 });
    expect(key.signatures).toBe(0);
  });
});

describe("what a node must not say", () => {
  test.each<[string, string, unknown, RegExp]>([
    ["gas", "eth_estimateGas", `0x${"f".repeat(64)}`, /eth_estimateGas is more than 100000000000: "0xffff/],
    ["a nonce", "eth_getTransactionCount", "0x1fffffffffffff", /eth_getTransactionCount is more than 4294967296/],
    ["text", "eth_estimateGas", "much", /eth_estimateGas is not a quantity: "much"/],
    ["a negative number", "eth_getTransactionCount", -1, /is not a quantity: -1/],
    ["an object", "eth_chainId", { id: 1 }, /eth_chainId is not a quantity: \{"id":1\}/],
    ["nothing", "eth_chainId", undefined, /eth_chainId is not a quantity: undefined/],
    ["very much", "eth_chainId", "z".repeat(1_000), /is not a quantity: "z{99}…$/],
    ["no block", "eth_getBlockByNumber", null, /eth_getBlockByNumber is not a block: null/],
    ["a base fee of text", "eth_getBlockByNumber", { baseFeePerGas: "low" }, /not a quantity: "low"/],
  ])("%s: %s", async (_name, method, answer, message) => {
    node.answers[method] = () => answer;
    const failure = await failureOf(send());
    expect(failure).toMatchObject({ code: -32603 });
    expect(failure.message).toMatch(message);
    expect(key.signatures).toBe(0);
  });
});

test.each<[string, unknown]>([
  ["a number", 1],
  ["leading zeros", "0x0001"],
  ["decimal digits", "1"],
])("a node may say its chain with %s", async (_name, answer) => {
  node.answers["eth_chainId"] = () => answer;
  expect(await ask("eth_chainId")).toBe("0x1");
  await send({ chainId: "0x01" });
  expect(node.sent[0]).toMatchObject({ chainId: 1n });
});

test.each<[string, object, object]>([
  ["leading zeros", { value: "0x0de0b6b3a7640000", nonce: "0x00" }, { value: 10n ** 18n, nonce: 0 }],
  ["numbers", { value: 5, gas: 21_001, type: 2 }, { value: 5n, gasLimit: 21_001n, type: 2 }],
])("a caller may write quantities as %s, as for anvil", async (_name, fields, expected) => {
  await send(fields);
  expect(node.sent[0]).toMatchObject(expected);
});

describe("fees", () => {
  test("a chain without base fees has legacy transactions, and fees of EIP-1559 are refused", async () => {
    node.answers["eth_getBlockByNumber"] = () => ({ number: "0x1" });
    node.answers["eth_gasPrice"] = () => "0x7";
    await send();
    await send({ accessList: [] });
    expect(node.sent).toMatchObject([
      { type: 0, gasPrice: 7n, chainId: 1n },
      { type: 1, gasPrice: 7n },
    ]);
    expect(await failureOf(send({ maxFeePerGas: "0x1" }))).toMatchObject({ code: 4200 });
  });

  test("a node without eth_maxPriorityFeePerGas gets one gwei, as with ethers", async () => {
    delete node.answers["eth_maxPriorityFeePerGas"];
    await send();
    expect(node.sent[0]).toMatchObject({ maxPriorityFeePerGas: 10n ** 9n, maxFeePerGas: 3n * 10n ** 9n });
  });

  test("the suggested priority fee is no more than the caller's maxFeePerGas", async () => {
    await send({ maxFeePerGas: "0x5" });
    expect(node.sent[0]).toMatchObject({ maxFeePerGas: 5n, maxPriorityFeePerGas: 5n });
  });

  test("the estimate is for what was asked", async () => {
    const accessList = [{ address: FRIEND, storageKeys: [`0x${"11".repeat(32)}`] }];
    await send({ value: 1, data: "0xAB", accessList, maxFeePerGas: "0x05" });
    const estimate = node.asked.find(({ method }) => method === "eth_estimateGas");
    expect(estimate?.params).toEqual([
      { from: ADDRESS, to: FRIEND, data: "0xab", accessList, value: "0x1", maxFeePerGas: "0x5", chainId: "0x1" },
    ]);
  });
});

describe("no web service is asked for gas prices", () => {
  const requested: string[] = [];
  FetchRequest.registerGetUrl(async ({ url }) => {
    requested.push(url);
    throw new Error("nothing but the node is asked");
  });
  afterAll(() => FetchRequest.registerGetUrl(FetchRequest.createGetUrlFunc()));

  /** A provider of ethers on Polygon, over the node of the test. */
  class PolygonProvider extends JsonRpcApiProvider {
    constructor() {
      const network = Network.from(137);
      super(network, { staticNetwork: network, batchMaxCount: 1 });
      this._start();
    }

    override async _send(payload: JsonRpcPayload | JsonRpcPayload[]): Promise<(JsonRpcResult | JsonRpcError)[]> {
      return Promise.all(
        [payload].flat().map(async ({ id, method, params }) => {
          return { id, result: await node.request({ method, params: params as unknown[] }) };
        }),
      );
    }
  }

  test("over a provider of ethers on chain 137", async () => {
    node.answers["eth_chainId"] = () => "0x89";
    const upstream = new PolygonProvider();
    await send({}, { provider: upstream });
    expect(node.sent[0]).toMatchObject({ chainId: 137n, maxFeePerGas: 3_000_000_000n });
    expect(requested).toEqual([]);
    upstream.destroy();
  });
});

describe("typed data for further chains", () => {
  test("is signed for those of the option, without asking the node", async () => {
    for (const typedDataChainIds of [[1337], [5n, 1337n]]) {
      await ask("eth_signTypedData_v4", [ADDRESS, typedData(1337)], { typedDataChainIds });
    }
    expect(node.asked).toEqual([]);
    const typedDataChainIds = [1337];
    expect(await failureOf(ask("eth_signTypedData_v4", [ADDRESS, typedData(5)], { typedDataChainIds }))).toMatchObject({
      code: 4901,
    });
    await ask("eth_signTypedData_v4", [ADDRESS, typedData(1)], { typedDataChainIds });
  });
});

test.each<[string, object]>([
  ["chainId", { chainId: 0 }],
  ["chainId", { chainId: "mainnet" }],
  ["typedDataChainIds", { typedDataChainIds: [-1] }],
  ["maxFeePerTransaction", { maxFeePerTransaction: 1 }],
  ["timeout", { timeout: 0 }],
  ["timeout", { timeout: 2 ** 31 }],
])("an option %s that cannot be used is INVALID_ARGUMENT: %j", (name, options) => {
  expect(() => createProvider({ accounts: [], provider: node, ...(options as object) })).toThrow(
    expect.objectContaining({ code: "INVALID_ARGUMENT", argument: name }),
  );
});

test("viem's error has its URL in the message: only the node's own text is passed on", async () => {
  node.answers["eth_blockNumber"] = () => {
    throw Object.assign(nodeError("RPC Request failed.\n\nURL: https://node.example/s3cr3t"), {
      shortMessage: "RPC Request failed.",
      details: "daily limit",
    });
  };
  expect(await failureOf(ask("eth_blockNumber"))).toMatchObject({ code: -32000, message: "daily limit" });
});
