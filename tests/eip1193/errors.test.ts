import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { AbstractSigner, BrowserProvider, JsonRpcProvider, makeError, Network, Wallet } from "ethers";
import { SignerError, type SignerErrorCode } from "../../src/core/errors.ts";
import { createProvider, ProviderRpcError } from "../../src/eip1193/index.ts";
import { RemoteSigner } from "../../src/signer/remote-signer.ts";
import { MemoryKey } from "../support/memory-key.ts";
import { ADDRESS, type Fixture, FRIEND, failureOf, KEY, startFixture, wallet } from "./support.ts";

let fixture: Fixture;

beforeAll(async () => {
  fixture = await startFixture();
});

afterAll(() => fixture.anvil.stop());

const SECRET = "s3cr3t";

/** A key whose signatures fail like this. */
class FailingKey extends MemoryKey {
  readonly #error: unknown;

  constructor(error: unknown) {
    super(KEY);
    this.#error = error;
  }

  override async signDigest(): Promise<never> {
    throw this.#error;
  }
}

/** A signer of another make, which fails with what it likes. */
class ForeignSigner extends AbstractSigner {
  readonly #error: unknown;

  constructor(error: unknown) {
    super(null);
    this.#error = error;
  }

  override async getAddress(): Promise<string> {
    return wallet.address;
  }

  override connect(): ForeignSigner {
    return this;
  }

  override async signMessage(): Promise<string> {
    throw this.#error;
  }

  override signTransaction = this.signMessage;
  override signTypedData = this.signMessage;
}

describe("a SignerError", () => {
  test.each<[SignerErrorCode, number]>([
    ["KEY_NOT_FOUND", 4100],
    ["KEY_UNUSABLE", 4100],
    ["ACCESS_DENIED", 4100],
    ["KEY_CHANGED", 4100],
    ["THROTTLED", -32005],
    ["BACKEND_TIMEOUT", -32002],
    ["BACKEND_UNAVAILABLE", -32002],
    ["BACKEND_RESPONSE_INVALID", -32603],
    ["DEPENDENCY_MISSING", -32603],
  ])("%s is %d, whatever is signed", async (code, expected) => {
    const error = new SignerError(code, "do this or that", { cause: new Error(SECRET) });
    const provider = createProvider({ accounts: [new RemoteSigner(new FailingKey(error))], provider: fixture.chain });
    for (const [method, params] of [
      ["personal_sign", ["text", ADDRESS]],
      ["eth_sendTransaction", [{ from: ADDRESS, to: FRIEND }]],
    ] as const) {
      const failure = await failureOf(provider.request({ method, params }));
      expect(failure).toBeInstanceOf(ProviderRpcError);
      expect(failure).toMatchObject({ code: expected, message: "do this or that", data: { code } });
      expect(failure.cause).toMatchObject({ name: "SignerError", code, backend: "memory" });
      expect(JSON.stringify(failure)).not.toContain(SECRET);
    }
  });

  test("while the address is asked for: eth_accounts fails where no account is left", async () => {
    const closed = new RemoteSigner(new MemoryKey(KEY));
    await closed.close();
    const alone = createProvider({ accounts: [closed], provider: fixture.chain });
    expect(await failureOf(alone.request({ method: "eth_accounts" }))).toMatchObject({ code: 4100 });
    const other = Wallet.createRandom();
    const both = createProvider({ accounts: [closed, other], provider: fixture.chain });
    expect(await both.request({ method: "eth_accounts" })).toEqual([other.address.toLowerCase()]);
    // Whether the account is ours cannot be known: the signer's error says why.
    const failure = await failureOf(both.request({ method: "personal_sign", params: ["text", ADDRESS] }));
    expect(failure.data).toMatchObject({ code: "SIGNER_CLOSED" });
  });
});

test.each<[string, unknown, number]>([
  [
    "a rejection, as ethers tells it",
    makeError("no", "ACTION_REJECTED", { action: "signMessage", reason: "rejected" }),
    4001,
  ],
  ["a rejection, as wallets tell it", { code: 4001, message: "no" }, 4001],
  ["an operation that it lacks", makeError("no", "UNSUPPORTED_OPERATION", { operation: "signMessage" }), 4200],
  ["anything else", new TypeError("no"), -32603],
])("a foreign signer: %s", async (_name, error, code) => {
  const provider = createProvider({ accounts: [new ForeignSigner(error)], provider: fixture.chain });
  expect(await failureOf(provider.request({ method: "personal_sign", params: ["text", ADDRESS] }))).toMatchObject({
    code,
  });
});

describe("the upstream's errors come back with their code and data", () => {
  test("over ethers: an unknown method, and a revert", async () => {
    const { provider } = fixture;
    expect(await failureOf(provider.request({ method: "no_method" }))).toMatchObject({ code: -32601 });
    const params = [{ from: ADDRESS, data: "0x60006000fd" }];
    const direct = await failureOf(direct1193(fixture.anvil.url, "eth_estimateGas", params));
    for (const method of ["eth_estimateGas", "eth_sendTransaction"]) {
      const failure = await failureOf(provider.request({ method, params }));
      expect(failure).toBeInstanceOf(ProviderRpcError);
      expect(failure).toMatchObject({ code: direct.code, message: direct.message });
      expect(failure.data).toEqual(direct.data);
    }
  });

  test.each([1, 2])("over %d other EIP-1193 providers", async (depth) => {
    const error = { code: -32042, message: "not today", data: { why: "closed" } };
    const source = { request: async () => Promise.reject(error) };
    const inner = createProvider({ accounts: [], provider: source });
    const browser = new BrowserProvider(inner, 1, { staticNetwork: Network.from(1) });
    const provider = depth === 1 ? inner : createProvider({ accounts: [], provider: browser });
    expect(await failureOf(provider.request({ method: "web3_clientVersion" }))).toMatchObject(error);
    browser.destroy();
  });

  test("a JSON-RPC error in an HTTP error's body", async () => {
    const responseBody = JSON.stringify({ error: { code: -32005, message: "daily limit" } });
    const info = { requestUrl: `https://node.example/${SECRET}`, responseBody };
    const error = makeError("server response 429", "SERVER_ERROR", { request: "", info } as never);
    const provider = createProvider({ accounts: [], provider: { request: async () => Promise.reject(error) } });
    const failure = await failureOf(provider.request({ method: "eth_blockNumber" }));
    expect(failure).toMatchObject({ code: -32005, message: "daily limit" });
  });
});

test("an upstream out of reach is 4900, and its URL stays out of the error", async () => {
  const network = Network.from(31337);
  const gone = new JsonRpcProvider(`http://127.0.0.1:1/${SECRET}`, network, { staticNetwork: network });
  const provider = createProvider({ accounts: [wallet], provider: gone });
  for (const [method, params] of [
    ["eth_blockNumber", []],
    ["eth_sendTransaction", [{ from: ADDRESS, to: FRIEND }]],
  ] as const) {
    const failure = await failureOf(provider.request({ method, params }));
    expect(failure).toMatchObject({ code: 4900 });
    expect(`${failure.message} ${failure.stack} ${JSON.stringify(failure)}`).not.toContain(SECRET);
    expect(failure.cause).toBeUndefined();
  }
  gone.destroy();
  expect(await failureOf(provider.request({ method: "eth_blockNumber" }))).toMatchObject({ code: 4900 });
});

test.each<[string, unknown]>([
  ["nothing", undefined],
  ["no method", {}],
  ["an empty method", { method: "" }],
  ["params that are text", { method: "eth_accounts", params: "0x" }],
  ["params that are null", { method: "eth_accounts", params: null }],
])("a request that is none is -32600: %s", async (_name, request) => {
  expect(await failureOf(fixture.provider.request(request as never))).toMatchObject({ code: -32600 });
});

test("named params are -32602 for our methods", async () => {
  const request = { method: "personal_sign", params: { message: "text" } };
  expect(await failureOf(fixture.provider.request(request))).toMatchObject({ code: -32602 });
});

test.each<[string, object]>([
  ["no accounts", { provider: { request: async () => "" } }],
  ["an account that is not a signer", { accounts: [wallet.address], provider: { request: async () => "" } }],
  ["no upstream", { accounts: [wallet] }],
  ["an upstream that takes no requests", { accounts: [wallet], provider: { getFeeData() {} } }],
])("createProvider with %s is ethers' INVALID_ARGUMENT", (_name, options) => {
  expect(() => createProvider(options as never)).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
});

/** The node's own answer, without any provider in between. */
async function direct1193(url: string, method: string, params: unknown[]): Promise<unknown> {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
  const response = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body });
  const { result, error } = (await response.json()) as { result?: unknown; error?: { message: string } };
  if (error) throw Object.assign(new Error(error.message), error);
  return result;
}
