import { beforeAll, describe, expect, test } from "@jest/globals";
import {
  type Addressable,
  type Authorization,
  type AuthorizationRequest,
  BrowserProvider,
  getBytes,
  hashAuthorization,
  hashMessage,
  hexlify,
  id,
  Network,
  type Provider,
  recoverAddress,
  Signature,
  Transaction,
  type TransactionLike,
  type TransactionRequest,
  type TypedDataDomain,
  TypedDataEncoder,
  type TypedDataField,
  verifyMessage,
  verifyTypedData,
  Wallet,
} from "ethers";
import type { RawSignature } from "../../src/core/signature.ts";
import { FailoverKey } from "../../src/signer/failover-key.ts";
import type { SignOptions } from "../../src/signer/remote-key.ts";
import { RemoteSigner } from "../../src/signer/remote-signer.ts";
import { snapshot } from "../../src/signer/snapshot.ts";
import { RecordingChain } from "../hostile/chain.ts";
import { blobSidecar, cellProofSidecar, constantKzg, versionedHash } from "../support/kzg.ts";
import { MemoryKey } from "../support/memory-key.ts";
import { rejection, turn } from "./rejection.ts";

const PRIVATE_KEY = id("snapshots");
const wallet = new Wallet(PRIVATE_KEY);
const TO = "0x8ba1f109551bD432803012645Ac136ddd64DBA72";
const OTHER = "0x2c7536E3605D9C16a7a3D7b1898e529396a65c23";

/** Calls `change` whenever it is called, and signs only afterwards. It keeps the digests. */
class WaitingKey extends MemoryKey {
  readonly digests: string[] = [];
  readonly #change: () => void;

  constructor(change: () => void) {
    super(PRIVATE_KEY);
    this.#change = change;
  }

  override async getPublicKey(): Promise<Uint8Array> {
    this.#change();
    await turn();
    return super.getPublicKey();
  }

  override async signDigest(digest: Uint8Array): Promise<RawSignature> {
    this.#change();
    await turn();
    this.digests.push(hexlify(digest));
    return super.signDigest(digest);
  }
}

type Node = Record<string, unknown>;

const isNode = (value: unknown): value is Node =>
  typeof value === "object" &&
  value !== null &&
  (Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype);

/** Another value of the same form: what leaked of it would be signed, and would not fail. */
function changed(value: unknown): unknown {
  if (typeof value === "bigint") return value + 1n;
  if (typeof value === "number") return value <= 1 ? 1 - value : value + 1;
  if (typeof value === "boolean") return !value;
  if (typeof value !== "string") return value;
  if (!/^0x[0-9a-f]+$/i.test(value)) return `${value}x`;
  const last = (Number.parseInt(value.slice(-1), 16) + 1) % 16;
  return `${value.slice(0, -1).toLowerCase()}${last.toString(16)}`;
}

/** Changes everything that can be changed in it, in place. */
function changeAll(value: unknown): void {
  if (value instanceof Uint8Array) for (const [index, byte] of value.entries()) value[index] = byte + 1;
  if (value instanceof Signature) {
    value.r = changed(value.r) as string;
    value.v = value.v === 27 ? 28 : 27;
  }
  if (!isNode(value)) return;
  for (const [key, each] of Object.entries(value)) {
    changeAll(each);
    value[key] = changed(each);
  }
}

/** Takes everything out of it, in place. */
function emptyAll(value: unknown): void {
  if (!isNode(value)) return;
  for (const each of Object.values(value)) emptyAll(each);
  if (Array.isArray(value)) value.length = 0;
  else for (const key of Object.keys(value)) delete value[key];
}

/** What a caller may pass in place of plain objects: each shows what `source` has when it is read. */
const disguises: Readonly<Record<string, (source: unknown) => unknown>> = {
  "plain objects": (source) => source,
  getters: function getters(source): unknown {
    if (!isNode(source)) return source;
    const target = Array.isArray(source) ? [] : {};
    for (const key of Object.keys(source)) {
      Object.defineProperty(target, key, { enumerable: true, get: () => getters(source[key]) });
    }
    return target;
  },
  proxies: function proxied(source): unknown {
    if (!isNode(source)) return source;
    return new Proxy(source, { get: (target, key) => proxied(Reflect.get(target, key)) });
  },
};

function frozen<T>(value: T): T {
  if (!isNode(value)) return value;
  for (const each of Object.values(value)) frozen(each);
  return Object.freeze(value);
}

/**
 * Calls `sign` with what `make` makes, in a disguise, and changes it at once, while the public key is fetched, while names are resolved,
 * and while the key signs. Without a node, which refuses an empty request, everything is taken out of it as well. The digest must be
 * `expected`.
 */
async function expectDigest<T extends object, Signed>(
  make: () => T,
  disguise: (source: unknown) => unknown,
  sign: (signer: RemoteSigner, value: T) => Promise<Signed>,
  expected: string,
  provider: null | Provider = null,
): Promise<Signed> {
  const source = make();
  const key = new WaitingKey(() => changeAll(source));
  const resolveName = async (name: string) => {
    changeAll(source);
    await turn();
    return nameOwner(name);
  };
  const signer = new RemoteSigner(key, provider ?? ({ resolveName } as unknown as Provider));
  const signing = sign(signer, disguise(source) as T);
  changeAll(source);
  await turn();
  if (!provider) emptyAll(source);
  const result = await signing;
  emptyAll(source);
  expect(key.digests).toEqual([expected]);
  return result;
}

function nameOwner(name: string): string | null {
  return name === "friend.eth" ? OTHER : null;
}

const NAMES = { resolveName: async (name: string) => nameOwner(name) } as unknown as Provider;

const CALL = () => ({ to: TO, nonce: 7, gasLimit: 100_000n, value: 1n, data: getBytes("0x12345678"), chainId: 31337n });
const FEES = { maxFeePerGas: 30n, maxPriorityFeePerGas: 2n };
const KEYS = () => [id("slot 1"), id("slot 2")];
const BLOB = blobSidecar(2n);

/** The same authorization in the three forms that ethers accepts. */
function authorizations(): [Authorization, unknown, unknown] {
  const tuple = { address: OTHER, nonce: 3n, chainId: 1n };
  const signature = wallet.signingKey.sign(hashAuthorization(tuple));
  const { r, s, yParity, serialized } = signature;
  return [
    { ...tuple, signature: Signature.from(signature) },
    { ...tuple, signature: { r, s, yParity } },
    { ...tuple, nonce: 3, signature: serialized },
  ];
}

/** An object with functions of these names is taken for a promise, or for an Addressable, by careless code. */
// biome-ignore lint/suspicious/noThenProperty: it is the subject.
const FUNCTIONS = { then: () => undefined, getAddress: () => TO };

const transactions: readonly (readonly [string, () => object])[] = [
  ["type 0", () => ({ ...CALL(), type: 0, gasPrice: 5n })],
  ["type 0 with its sender", () => ({ ...CALL(), type: 0, from: wallet.address })],
  [
    "type 0 with numbers in hex",
    () => ({ to: TO, nonce: "0x7", value: "0x1", gasLimit: "0x5208", type: 0, chainId: 1 }),
  ],
  ["type 0 to a name", () => ({ ...CALL(), to: "friend.eth", type: 0 })],
  ["type 1, access list of tuples", () => ({ ...CALL(), type: 1, accessList: [[TO, KEYS()]] })],
  [
    "type 1, access list of objects",
    () => ({ ...CALL(), type: 1, accessList: [{ address: TO, storageKeys: KEYS() }] }),
  ],
  ["type 1, access list by address", () => ({ ...CALL(), type: 1, accessList: { [TO]: KEYS(), [OTHER]: KEYS() } })],
  ["type 2", () => ({ ...CALL(), ...FEES, type: 2, accessList: [{ address: TO, storageKeys: KEYS() }] })],
  [
    "type 3 with hashes",
    () => ({
      ...CALL(),
      ...FEES,
      type: 3,
      maxFeePerBlobGas: 9n,
      blobVersionedHashes: [versionedHash(BLOB.commitment)],
    }),
  ],
  ["type 3 with a sidecar", () => ({ ...CALL(), ...FEES, type: 3, maxFeePerBlobGas: 9n, blobs: [{ ...BLOB }] })],
  [
    "type 3 with a sidecar of bytes",
    () => ({
      ...CALL(),
      type: 3,
      blobs: [{ data: getBytes(BLOB.data), proof: getBytes(BLOB.proof), commitment: getBytes(BLOB.commitment) }],
    }),
  ],
  ["type 3 with a sidecar that has functions", () => ({ ...CALL(), type: 3, blobs: [{ ...BLOB, ...FUNCTIONS }] })],
  ["type 3 with cell proofs", () => ({ ...CALL(), type: 3, blobWrapperVersion: 1, blobs: [cellProofSidecar(2n)] })],
  [
    "type 3 with a blob's bytes",
    () => ({ ...CALL(), type: 3, kzg: Object.create(constantKzg), blobs: [getBytes(BLOB.data)] }),
  ],
  ["type 4", () => ({ ...CALL(), ...FEES, type: 4, authorizationList: authorizations() })],
  [
    "type 4, authorizations that have functions",
    () => ({
      ...CALL(),
      type: 4,
      authorizationList: [
        { ...authorizations()[0], ...FUNCTIONS },
        { ...(authorizations()[1] as object), ...FUNCTIONS },
      ],
    }),
  ],
];

const everyDisguise = Object.entries(disguises);
describe.each(transactions)("a transaction of %s", (_name, make) => {
  const fresh = make as () => TransactionRequest;

  let unsignedHash: string;
  beforeAll(async () => {
    ({ unsignedHash } = Transaction.from(await wallet.connect(NAMES).signTransaction(frozen(fresh()))));
  });

  test.each(everyDisguise)("of %s is signed as it was at the call", async (_disguise, disguise) => {
    const signed = await expectDigest(fresh, disguise, (signer, tx) => signer.signTransaction(tx), unsignedHash);
    expect(Transaction.from(signed)).toMatchObject({ unsignedHash, from: wallet.address });
  });
});

describe("a transaction that is filled in", () => {
  const network = Network.from(1);
  const open = () => {
    const chain = new RecordingChain();
    return { chain, provider: new BrowserProvider(chain, network, { staticNetwork: network, cacheTimeout: -1 }) };
  };
  const { to, value } = CALL();
  const data = "0x12345678";
  const sent: readonly (readonly [string, () => TransactionRequest])[] = [
    ["type 0", () => ({ to, value, data, type: 0 })],
    ["type 1", () => ({ to, value, type: 1, accessList: [[TO, KEYS()]] })],
    ["type 2", () => ({ to, value, data, from: wallet.address })],
    ["type 4", () => ({ to, value, type: 4, authorizationList: authorizations().slice(0, 2) as Authorization[] })],
  ];
  const disguised = sent.flatMap(([name, make]) =>
    everyDisguise.map(([of, disguise]) => [name, of, make, disguise] as const),
  );

  test.each(disguised)("and sent: %s, of %s", async (_name, _of, make, disguise) => {
    const [ours, theirs] = [open(), open()];
    await wallet.connect(theirs.provider).sendTransaction(frozen(make()));
    const expected = Transaction.from(theirs.chain.sent[0] ?? "").unsignedHash;
    await expectDigest(make, disguise, (signer, tx) => signer.sendTransaction(tx), expected, ours.provider);
    expect(ours.chain.sent.map((raw) => Transaction.from(raw).unsignedHash)).toEqual([expected]);
  });

  test.each(disguised)("shares nothing with the request: %s, of %s", async (_name, _of, make, disguise) => {
    const hash = ({ from, ...rest }: TransactionLike<string>) => {
      expect(from).toBe(wallet.address);
      return Transaction.from(rest as TransactionLike<string>).unsignedHash;
    };
    const expected = hash(await wallet.connect(open().provider).populateTransaction(frozen(make())));
    const source = make();
    const key = new WaitingKey(() => changeAll(source));
    const populating = new RemoteSigner(key, open().provider).populateTransaction(
      disguise(source) as TransactionRequest,
    );
    changeAll(source);
    const populated = await populating;
    emptyAll(source);
    expect(hash(populated)).toBe(expected);
  });
});

test("the gas of a transaction is estimated as it was at the call", async () => {
  class EstimatingChain extends RecordingChain {
    readonly estimated: string[] = [];

    override async request(args: { method: string; params?: unknown }): Promise<unknown> {
      if (args.method === "eth_estimateGas") this.estimated.push(JSON.stringify(args.params));
      return super.request(args);
    }
  }
  const network = Network.from(1);
  const make = () =>
    ({ to: TO, value: 1n, type: 4, authorizationList: authorizations().slice(0, 2) }) as TransactionRequest;
  const estimates = async (source: TransactionRequest, populate: (provider: Provider) => Promise<unknown>) => {
    const chain = new EstimatingChain();
    const populating = populate(new BrowserProvider(chain, network, { staticNetwork: network, cacheTimeout: -1 }));
    changeAll(source);
    await populating;
    return chain.estimated;
  };
  const [request, untouched] = [make(), make()];
  const ours = await estimates(request, (provider) =>
    new RemoteSigner(new WaitingKey(() => changeAll(request)), provider).populateTransaction(request),
  );
  const theirs = await estimates({}, (provider) => wallet.connect(provider).populateTransaction(untouched));
  expect(ours).toEqual(theirs);
  expect(ours).toHaveLength(1);
});

describe("a recipient that is resolved", () => {
  const request = (to: unknown) => ({ ...CALL(), data: "0x", type: 0, to }) as TransactionRequest;
  const expected = async () => Transaction.from(await wallet.signTransaction(request(TO))).unsignedHash;

  /** Another address each time. */
  function changing(): Addressable & { calls: number } {
    return {
      calls: 0,
      async getAddress() {
        return this.calls++ === 0 ? TO : OTHER;
      },
    };
  }

  const thenable = {
    calls: 0,
    // biome-ignore lint/suspicious/noThenProperty: it is the subject.
    then(resolve: (value: string) => void) {
      resolve(this.calls++ === 0 ? TO : OTHER);
    },
  };

  test("is resolved once: an Addressable, a promise, a thenable", async () => {
    const addressable = changing();
    const sources = [addressable, Promise.resolve(TO), thenable];
    for (const to of sources) {
      const key = new WaitingKey(() => {});
      await new RemoteSigner(key).signTransaction(request(to));
      expect(key.digests).toEqual([await expected()]);
    }
    expect(addressable.calls).toBe(1);
  });

  test("of an authorization too", async () => {
    const key = new WaitingKey(() => {});
    const addressable = changing();
    const authorization = await new RemoteSigner(key).authorize({ address: addressable, nonce: 1, chainId: 1 });
    expect([authorization.address, addressable.calls]).toEqual([TO, 1]);
    expect(key.digests).toEqual([hashAuthorization({ address: TO, nonce: 1, chainId: 1 })]);
  });
});

test("an authorization with the getters of a class is signed as they say, and nothing is filled in", async () => {
  class Delegation {
    readonly #nonce = 5n;
    get address() {
      return TO;
    }
    get nonce() {
      return this.#nonce;
    }
    get chainId() {
      return 137n;
    }
  }
  const key = new WaitingKey(() => {});
  const { address, nonce, chainId } = await new RemoteSigner(key).authorize(new Delegation());
  expect({ address, nonce, chainId }).toEqual({ address: TO, nonce: 5n, chainId: 137n });
  expect(key.digests).toEqual([hashAuthorization({ address: TO, nonce: 5n, chainId: 137n })]);
});

test("the payload of a digest reaches the key as it was at the call", async () => {
  const payload = { type: "message" as const, message: getBytes(id("a message")) };
  const expected = { type: "message", message: payload.message.slice() };
  const payloads: unknown[] = [];
  class PayloadKey extends WaitingKey {
    override async signDigest(digest: Uint8Array, options?: SignOptions): Promise<RawSignature> {
      payloads.push(options?.payload);
      return super.signDigest(digest);
    }
  }
  const change = () => payload.message.fill(0);
  await new RemoteSigner(new PayloadKey(change)).signDigest(hashMessage(payload.message), { payload });
  payload.message.set(expected.message);
  const failover = new FailoverKey([new PayloadKey(change)], { expectedAddress: wallet.address });
  await failover.signDigest(getBytes(hashMessage(payload.message)), { payload });
  expect(payloads).toEqual([expected, expected]);
});

describe("a message", () => {
  test.each([
    ["bytes", () => getBytes(id("a message"))],
    ["a Buffer", () => Buffer.from("a message")],
    ["a part of a larger buffer", () => new Uint8Array(100).fill(7).subarray(10, 42)],
    ["no bytes", () => new Uint8Array()],
  ])("of %s is signed as it was at the call", async (_name, make) => {
    const message = make().slice();
    const expected = hashMessage(message);
    const signed = await expectDigest(
      make,
      (source) => source,
      (signer, each) => signer.signMessage(each),
      expected,
    );
    expect(verifyMessage(message, await wallet.signMessage(message))).toBe(verifyMessage(message, signed));
  });
});

describe("typed data", () => {
  interface TypedData {
    readonly domain: TypedDataDomain;
    readonly types: Record<string, TypedDataField[]>;
    readonly value: Record<string, unknown>;
  }
  const types = () => ({
    Mail: [
      { name: "from", type: "Person" },
      { name: "to", type: "Person[]" },
      { name: "amounts", type: "uint256[2][]" },
      { name: "hash", type: "bytes32" },
      { name: "data", type: "bytes" },
      { name: "isUrgent", type: "bool" },
    ],
    Person: [
      { name: "name", type: "string" },
      { name: "wallet", type: "address" },
    ],
  });
  const typedData = (account: string, functions: object, contract = TO): TypedData => ({
    domain: {
      name: "Mail",
      version: "1",
      chainId: 1n,
      verifyingContract: contract,
      salt: getBytes(id("salt")),
    } as TypedDataDomain,
    types: types(),
    value: {
      from: { name: "Alice", wallet: account, ...functions },
      to: [{ name: "Bob", wallet: TO, ...functions }],
      amounts: [
        [1n, "2"],
        [3, "0x4"],
      ],
      hash: getBytes(id("hash")),
      data: getBytes("0x1234"),
      isUrgent: true,
    },
  });

  test.each(
    [
      ["with addresses", () => typedData(OTHER, {})],
      ["with a name", () => typedData("friend.eth", {})],
      ["with a name in the domain", () => typedData(OTHER, {}, "friend.eth")],
      ["with structs that have functions, and a name", () => typedData("friend.eth", FUNCTIONS)],
    ].flatMap(([name, make]) =>
      everyDisguise.map(([of, disguise]) => [name as string, of, make as () => TypedData, disguise] as const),
    ),
  )("%s, of %s is signed as it was at the call", async (_name, _of, make, disguise) => {
    const copy = frozen(make());
    const names = async (name: string) => nameOwner(name) ?? "";
    const populated = await TypedDataEncoder.resolveNames(copy.domain, copy.types, copy.value, names);
    const expected = TypedDataEncoder.hash(populated.domain, copy.types, populated.value);
    const sign = (signer: RemoteSigner, each: TypedData) => signer.signTypedData(each.domain, each.types, each.value);
    const signed = await expectDigest(make, disguise, sign, expected);
    expect(verifyTypedData(populated.domain, copy.types, populated.value, signed)).toBe(wallet.address);
    const theirs = await wallet.connect(NAMES).signTypedData(copy.domain, copy.types, copy.value);
    expect(recoverAddress(expected, theirs)).toBe(wallet.address);
  });

  test("of instances of a class, whose getters change, too", async () => {
    class Amount {
      static current = 1n;
      get amount() {
        return Amount.current;
      }
    }
    const types = { Order: [{ name: "price", type: "Price" }], Price: [{ name: "amount", type: "uint256" }] };
    const expected = TypedDataEncoder.hash({}, types, { price: { amount: 1n } });
    const key = new WaitingKey(() => {});
    const signing = new RemoteSigner(key).signTypedData({}, types, { price: new Amount() });
    Amount.current = 2n;
    await signing;
    expect(key.digests).toEqual([expected]);
  });
});

describe("an authorization", () => {
  test.each(everyDisguise)("of %s is signed as it was at the call", async (_name, disguise) => {
    const make = (): AuthorizationRequest => ({ address: OTHER, nonce: 7, chainId: 1n });
    const { signature, ...tuple } = await wallet.authorize(frozen(make()));
    const signed = await expectDigest(
      make,
      disguise,
      (signer, each) => signer.authorize(each),
      hashAuthorization(tuple),
    );
    expect(signed).toMatchObject(tuple);
    expect(signature.isValid()).toBe(true);
  });
});

describe("a digest", () => {
  test.each([
    ["bytes", () => getBytes(id("a digest"))],
    ["a Buffer", () => Buffer.from(getBytes(id("a digest")))],
    ["a part of a larger buffer", () => new Uint8Array(100).fill(7).subarray(10, 42)],
  ])("of %s is signed as it was at the call", async (_name, make) => {
    await expectDigest(
      make,
      (source) => source,
      (signer, each) => signer.signDigest(each),
      hexlify(make()),
    );
  });
});

describe("bytes that lie about their length", () => {
  class Lying extends Uint8Array {
    override get length() {
      return 32;
    }
    override get byteLength() {
      return 32;
    }
  }

  test("are 64 bytes that say 32: no digest, and a message of 64 bytes", async () => {
    const key = new WaitingKey(() => {});
    const signer = new RemoteSigner(key);
    const bytes = new Lying(64).fill(5);
    expect(await rejection(signer.signDigest(bytes))).toMatchObject({ code: "INVALID_ARGUMENT", argument: "digest" });
    expect(key).toMatchObject({ publicKeyFetches: 0, signatures: 0 });
    await signer.signMessage(bytes);
    expect(key.digests).toEqual([hashMessage(new Uint8Array(64).fill(5))]);
  });
});

describe("snapshot", () => {
  test("shares no array, object or bytes with it", () => {
    const value = { a: [1n, { b: "text" }], bytes: Uint8Array.of(1, 2), nothing: null, none: undefined };
    const copy = snapshot(value, "value");
    expect(copy).toEqual(value);
    value.a.push(2n);
    (value.a[1] as { b: string }).b = "other";
    value.bytes[0] = 9;
    expect(copy).toEqual({ a: [1n, { b: "text" }], bytes: Uint8Array.of(1, 2), nothing: null, none: undefined });
  });

  test("reads each getter, proxied property and element once", () => {
    const reads: string[] = [];
    const get = (target: object, key: string | symbol) => {
      reads.push(String(key));
      return Reflect.get(target, key);
    };
    const object = new Proxy({ x: 1, list: [2] }, { get });
    const list = [0, 1];
    Object.defineProperty(list, 1, { get: () => reads.push("element"), enumerable: true });
    expect(snapshot({ object, list }, "value")).toEqual({ object: { x: 1, list: [2] }, list: [0, expect.any(Number)] });
    expect(reads.filter((key) => key !== "then" && key !== "getAddress")).toEqual(["x", "list", "element"]);
  });

  test("copies the bytes in memory, whatever a subclass says of its length", () => {
    class Lying extends Uint8Array {
      override get length() {
        return 1;
      }
    }
    const copy = snapshot(new Lying([1, 2, 3]), "value");
    expect(Object.getPrototypeOf(copy)).toBe(Uint8Array.prototype);
    expect([...copy]).toEqual([1, 2, 3]);
  });

  test("keeps what a class's getters say", () => {
    const signature = Signature.from({ r: `0x${"11".repeat(32)}`, s: `0x${"22".repeat(32)}`, yParity: 1 });
    const copy = snapshot(signature, "value");
    expect(copy).not.toBeInstanceOf(Signature);
    expect(Signature.from(copy).serialized).toBe(signature.serialized);
  });

  test("copies an object with functions as any other, so that nothing in it can change", () => {
    const functions = Object.fromEntries(["then", "getAddress"].map((name) => [name, () => name]));
    const value = { struct: { ...functions, amount: 3 }, promise: Promise.resolve("0x") };
    const copy = snapshot(value, "value");
    value.struct.amount = 4;
    expect(copy).toEqual({ struct: { ...functions, amount: 3 }, promise: {} });
  });

  test("refuses circles, more than 100 levels, and values that unfold to more than 100,000", () => {
    const circle: unknown[] = [];
    circle.push(circle);
    let doubled: unknown = 1;
    for (let level = 0; level < 20; level++) doubled = [doubled, doubled];
    for (const value of [circle, doubled, new Array(2 ** 32 - 1)]) {
      expect(() => snapshot(value, "value")).toThrow(
        expect.objectContaining({ code: "INVALID_ARGUMENT", argument: "value" }),
      );
    }
  });
});
