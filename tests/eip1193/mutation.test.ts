import { describe, expect, test } from "@jest/globals";
import { hexlify, verifyTypedData } from "ethers";
import { createProvider } from "../../src/eip1193/index.ts";
import { RemoteSigner } from "../../src/signer/remote-signer.ts";
import { MemoryKey } from "../support/memory-key.ts";
import { FakeNode } from "./fake-node.ts";
import { ADDRESS, FRIEND, failureOf, KEY, OTHER_ADDRESS, OTHER_KEY, otherWallet, wallet } from "./support.ts";

const WORD = `0x${"11".repeat(32)}`;
const { r, s, yParity } = otherWallet.authorizeSync({ address: FRIEND, nonce: 1, chainId: 1 }).signature;
const authorization = { address: FRIEND, nonce: "0x1", chainId: "0x1", yParity: `0x${yParity}`, r, s };
const transaction = {
  ...{ from: ADDRESS, to: FRIEND, value: "0x1", data: "0x1234", nonce: "0x7", gas: "0x5208", chainId: "0x1" },
  ...{ maxFeePerGas: "0x2", maxPriorityFeePerGas: "0x1", accessList: [{ address: FRIEND, storageKeys: [WORD] }] },
  authorizationList: [authorization],
};
const typedData = {
  types: {
    EIP712Domain: [
      { name: "name", type: "string" },
      { name: "chainId", type: "uint256" },
    ],
    Order: [
      { name: "items", type: "Item[]" },
      { name: "note", type: "string" },
    ],
    Item: [
      { name: "amount", type: "uint256" },
      { name: "open", type: "bool" },
      { name: "to", type: "address" },
      { name: "data", type: "bytes" },
    ],
  },
  primaryType: "Order",
  domain: { name: "shop", chainId: 1 },
  message: { items: [{ amount: "5", open: true, to: FRIEND, data: "0x12" }], note: "hello" },
};
const batch = {
  ...{ version: "2.0.0", id: "batch", from: ADDRESS, chainId: "0x1", atomicRequired: false },
  calls: [
    { to: FRIEND, value: "0x1", data: "0x12" },
    { to: FRIEND, value: "0x2" },
  ],
};

const THEN = "then";

const METHODS: readonly [method: string, params: readonly unknown[]][] = [
  ["personal_sign", ["0x1234", ADDRESS]],
  ["eth_sign", [ADDRESS, "0x1234"]],
  ["eth_signTypedData", [ADDRESS, typedData]],
  ["eth_signTypedData_v3", [ADDRESS, typedData]],
  ["eth_signTypedData_v4", [ADDRESS, typedData]],
  ["eth_signTransaction", [transaction]],
  ["eth_sendTransaction", [transaction]],
  ["wallet_sendCalls", [batch]],
  ["wallet_switchEthereumChain", [{ chainId: "0x1" }]],
  ["wallet_getCapabilities", [ADDRESS, ["0x1"]]],
  ["eth_call", [{ from: ADDRESS, to: FRIEND, data: "0x" }, "latest"]],
];

/** A key that notes what it is asked to sign. */
class RecordingKey extends MemoryKey {
  readonly digests: string[] = [];

  override async signDigest(digest: Uint8Array) {
    this.digests.push(hexlify(digest));
    return super.signDigest(digest);
  }
}

/** What came of a request: what was signed, what else was answered, and what the node was asked to call. */
async function outcomeOf(method: string, params: readonly unknown[], then: () => void): Promise<unknown> {
  const node = new FakeNode();
  // A node that serializes the request only when its connection is free.
  node.answers["eth_call"] = async (asked) => {
    await new Promise((resolve) => setImmediate(resolve));
    return JSON.stringify(asked);
  };
  const keys = [KEY, OTHER_KEY].map((key) => new RecordingKey(key));
  const provider = createProvider({
    accounts: keys.map((key) => new RemoteSigner(key)),
    provider: node,
    ethSign: true,
  });
  const answering = provider.request({ method, params });
  then();
  const answer = await answering;
  const digests = keys.map((key) => key.digests);
  return digests.flat().length > 0 ? { digests } : { answer };
}

type Path = readonly (string | number)[];

function pathsIn(value: unknown, path: Path = []): Path[] {
  if (typeof value !== "object" || value === null) return [path];
  const below = Object.keys(value).flatMap((key) => pathsIn((value as Record<string, unknown>)[key], [...path, key]));
  return path.length === 0 ? below : [path, ...below];
}

/** Another value of the same kind, which would be accepted. */
function changed(value: unknown): unknown {
  if (typeof value === "number") return value + 1;
  if (typeof value === "boolean") return !value;
  if (Array.isArray(value)) return [...value, ...value];
  if (typeof value === "object") return {};
  return value === ADDRESS ? OTHER_ADDRESS : value === FRIEND ? ADDRESS : String(value).replace(/.$/, "3");
}

function change(params: unknown, path: Path): void {
  const parent = path.slice(0, -1).reduce((at, key) => (at as Record<string, unknown>)[key], params);
  const key = path.at(-1) ?? "";
  const holder = parent as Record<string, unknown>;
  const value = holder[key];
  if (Array.isArray(value)) value.push(...structuredClone(value));
  else if (typeof value === "object" && value !== null)
    for (const name of Object.keys(value)) delete (value as Record<string, unknown>)[name];
  else holder[key] = changed(value);
}

/** Every property is a getter, which tells the truth once. */
function withGetters(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  const copy: object = Array.isArray(value) ? [] : {};
  for (const [key, member] of Object.entries(value)) {
    let reads = 0;
    const first = withGetters(member);
    const get = () => {
      reads += 1;
      return reads === 1 ? first : changed(member);
    };
    Object.defineProperty(copy, key, { get, enumerable: true });
  }
  return copy;
}

/** Every object is a Proxy, which tells the truth of each property once. */
function withProxies(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value).map(([key, member]) => [key, withProxies(member)]);
  const target = Array.isArray(value) ? members.map(([, member]) => member) : Object.fromEntries(members);
  const read = new Set<PropertyKey>();
  return new Proxy(target, {
    get(object, key, receiver) {
      const member = Reflect.get(object, key, receiver) as unknown;
      if (!Object.hasOwn(object, key) || key === "length" || !read.has(key)) {
        read.add(key);
        return member;
      }
      return changed(member);
    },
  });
}

describe.each(METHODS)("%s", (method, params) => {
  test("does what was asked, whatever becomes of any part of its parameters", async () => {
    const expected = await outcomeOf(method, structuredClone(params), () => {});
    for (const path of pathsIn(params)) {
      const given = structuredClone(params);
      const outcome = await outcomeOf(method, given, () => change(given, path));
      expect({ path, outcome }).toEqual({ path, outcome: expected });
      expect(given).not.toEqual(params);
    }
  });

  test.each([
    ["getters", withGetters],
    ["proxies", withProxies],
  ])("reads %s once", async (_name, wrap) => {
    const expected = await outcomeOf(method, structuredClone(params), () => {});
    expect(await outcomeOf(method, wrap(params) as unknown[], () => {})).toEqual(expected);
  });

  test("takes no promise in place of a value", async () => {
    if (method === "eth_call") return;
    const provider = createProvider({
      accounts: [new RemoteSigner(new MemoryKey(KEY))],
      provider: new FakeNode(),
      ethSign: true,
    });
    for (const [index, each] of params.entries()) {
      const fulfil = (resolve: (value: unknown) => void) => resolve(each);
      const thenable = typeof each === "object" ? { ...each, [THEN]: fulfil } : { [THEN]: fulfil };
      for (const given of [thenable, Promise.resolve(each)]) {
        const request = provider.request({ method, params: params.with(index, given) });
        expect(await failureOf(request)).toMatchObject({ code: -32602 });
      }
    }
  });
});

test("typed data as one object, signed three times without waiting: each as it was at its call", async () => {
  const provider = createProvider({ accounts: [new RemoteSigner(new MemoryKey(KEY))], provider: new FakeNode() });
  const types = { Note: [{ name: "v", type: "uint8" }] };
  const data = { types: { EIP712Domain: [], ...types }, primaryType: "Note", domain: {}, message: { v: 0 } };
  const signing = [1, 2, 3].map((v) => {
    data.message.v = v;
    return provider.request({ method: "eth_signTypedData_v4", params: [ADDRESS, data] });
  });
  const signatures = (await Promise.all(signing)) as string[];
  const signers = signatures.map((signature, index) => verifyTypedData({}, types, { v: index + 1 }, signature));
  expect(signers).toEqual(Array(3).fill(wallet.address));
});

test("parameters that throw when they are read are -32602, and a request that does is -32600", async () => {
  const provider = createProvider({ accounts: [], provider: new FakeNode() });
  const throwing = () => {
    throw new Error("a getter's own");
  };
  const params = [Object.defineProperty({}, "to", { get: throwing, enumerable: true })];
  expect(await failureOf(provider.request({ method: "eth_call", params }))).toMatchObject({ code: -32602 });
  const request = Object.defineProperty({}, "method", { get: throwing });
  expect(await failureOf(provider.request(request as never))).toMatchObject({ code: -32600 });
});
