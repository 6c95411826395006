import { describe, expect, test } from "@jest/globals";
import { getBytes, hexlify, id, SigningKey } from "ethers";
import type { SerializeTransactionFn, TransactionSerializable, TransactionSerialized } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { serializeTransaction as serializeForCelo } from "viem/celo";
import { Transaction as TempoTransaction } from "viem/tempo";
import { concatHex, parseTransaction, serializeTransaction } from "viem/utils";
import { RemoteSigner } from "../../src/signer/remote-signer.ts";
import { type RemoteViemAccount, toViemAccount } from "../../src/viem/index.ts";
import { blobSidecar, versionedHash } from "../support/kzg.ts";
import { kzg, toViemSidecar } from "./blobs.ts";
import { type Account, FRIEND, failureOf, hex, PRIVATE_KEY } from "./pair.ts";

type Serializer = SerializeTransactionFn<TransactionSerializable>;
type Path = readonly (string | number)[];

const OTHER = "0x000000000000000000000000000000000000dEaD";
const CONTROL = privateKeyToAccount(PRIVATE_KEY);
const SIDECAR = blobSidecar(2n);
const FEES = { maxFeePerGas: 30n, maxPriorityFeePerGas: 2n };
const CALL = { chainId: 31337, nonce: 7, gas: 100_000n, to: FRIEND, value: 1n, data: "0x12345678" } as const;

/** A backend that signs when it is told to, by RFC 6979 as viem does. */
class SlowKey {
  readonly backend = "memory";
  readonly id = "slow-key";
  readonly digests: string[] = [];
  onSign: () => void = () => {};

  async getPublicKey(): Promise<Uint8Array> {
    return getBytes(new SigningKey(PRIVATE_KEY).publicKey);
  }

  async signDigest(digest: Uint8Array): Promise<{ r: bigint; s: bigint }> {
    this.digests.push(hexlify(digest));
    const { r, s } = new SigningKey(PRIVATE_KEY).sign(digest);
    await new Promise((resolve) => setImmediate(resolve));
    this.onSign();
    return { r: BigInt(r), s: BigInt(s) };
  }
}

async function createAccount(): Promise<{ readonly key: SlowKey; readonly account: RemoteViemAccount }> {
  const key = new SlowKey();
  return { key, account: await toViemAccount(new RemoteSigner(key)) };
}

const signedAuthorization = () => ({
  address: FRIEND,
  chainId: 31337,
  nonce: 8,
  r: hex(id("r")),
  s: hex(`0x${"11".repeat(32)}`),
  yParity: 1,
});

/** Each makes new arguments, and passes them to a method. */
interface Request {
  readonly make: () => object;
  readonly ask: (account: Account, parameters: never) => Promise<unknown>;
}

const signTransaction: Request["ask"] = (account, transaction) => account.signTransaction(transaction);

const requests: Readonly<Record<string, Request>> = {
  sign: { make: () => ({ hash: id("a hash") }), ask: (account, parameters) => account.sign(parameters) },
  "signMessage of a string": {
    make: () => ({ message: "hello" }),
    ask: (account, parameters) => account.signMessage(parameters),
  },
  "signMessage of bytes": {
    make: () => ({ message: { raw: Uint8Array.of(1, 2, 3) } }),
    ask: (account, parameters) => account.signMessage(parameters),
  },
  signAuthorization: {
    make: () => ({ address: FRIEND, chainId: 31337, nonce: 8 }),
    ask: (account, parameters) => account.signAuthorization(parameters),
  },
  "signAuthorization of a contractAddress": {
    make: () => ({ contractAddress: FRIEND, chainId: 31337, nonce: 8 }),
    ask: (account, parameters) => account.signAuthorization(parameters),
  },
  signTypedData: {
    make: () => ({
      domain: { name: "House", version: "1", chainId: 1, verifyingContract: FRIEND, salt: id("salt") },
      types: {
        Person: [
          { name: "name", type: "string" },
          { name: "wallets", type: "address[]" },
        ],
        Order: [
          { name: "buyers", type: "Person[]" },
          { name: "amount", type: "uint256" },
          { name: "paid", type: "bool" },
          { name: "data", type: "bytes" },
        ],
      },
      primaryType: "Order",
      message: {
        buyers: [{ name: "Ann", wallets: [FRIEND, FRIEND] }],
        ...{ amount: 5n, paid: false, data: "0x1234" },
      },
    }),
    ask: (account, parameters) => account.signTypedData(parameters),
  },
  "a legacy transaction": { make: () => ({ ...CALL, type: "legacy", gasPrice: 5n }), ask: signTransaction },
  "an EIP-2930 transaction": {
    make: () => ({
      ...{ ...CALL, type: "eip2930", gasPrice: 5n },
      accessList: [{ address: FRIEND, storageKeys: [id("slot 1"), id("slot 2")] }],
    }),
    ask: signTransaction,
  },
  "an EIP-1559 transaction": {
    make: () => ({ ...CALL, ...FEES, type: "eip1559", accessList: [{ address: FRIEND, storageKeys: [id("slot")] }] }),
    ask: signTransaction,
  },
  "an EIP-4844 transaction": {
    make: () => ({
      ...{ ...CALL, ...FEES, type: "eip4844", maxFeePerBlobGas: 9n },
      blobVersionedHashes: [versionedHash(SIDECAR.commitment)],
      sidecars: [toViemSidecar(SIDECAR)],
    }),
    ask: signTransaction,
  },
  "an EIP-4844 transaction of blobs": {
    make: () => ({
      ...{ ...CALL, ...FEES, type: "eip4844", maxFeePerBlobGas: 9n, kzg },
      blobs: [getBytes(SIDECAR.data)],
    }),
    ask: signTransaction,
  },
  "an EIP-7702 transaction": {
    make: () => ({
      ...{ ...CALL, ...FEES, type: "eip7702" },
      authorizationList: [signedAuthorization(), signedAuthorization()],
    }),
    ask: signTransaction,
  },
};

const isPlain = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !(value instanceof Uint8Array);

/** The paths of everything in `value`, but for the code of the KZG library. */
function pathsOf(value: unknown, path: Path = []): Path[] {
  if (value instanceof Uint8Array) return [[...path, 0]];
  if (!isPlain(value)) return [path];
  const own = Object.entries(value).filter(([name]) => name !== "kzg");
  return [...(path.length > 0 ? [path] : []), ...own.flatMap(([name, each]) => pathsOf(each, [...path, name]))];
}

function changed(value: unknown): unknown {
  if (typeof value === "number") return value + 1;
  if (typeof value === "bigint") return value + 1n;
  if (typeof value === "boolean") return !value;
  if (Array.isArray(value)) return [];
  if (typeof value === "object") return {};
  if (value === FRIEND) return OTHER;
  return String(value).replace(/.$/, (last) => (last === "1" ? "2" : "1"));
}

function change(root: object, path: Path): void {
  const target = path.slice(0, -1).reduce<object>((at, name) => Reflect.get(at, name), root);
  const name = path.at(-1) as string;
  const value: unknown = Reflect.get(target, name);
  // Another one of the same elements, in the same array.
  if (Array.isArray(value)) value.push(...value);
  else Reflect.set(target, name, changed(value));
}

/** The same as `value` when each part of it is read for the first time, and something else afterwards. */
function readableOnce(value: unknown, wrap: (target: object, read: (name: string) => unknown) => object): unknown {
  if (!isPlain(value)) return value;
  const reads = new Set<string>();
  return wrap(value, (name) => {
    const part: unknown = Reflect.get(value, name);
    if (name === "length" || name === "kzg" || !Object.hasOwn(value, name)) return part;
    if (reads.has(name)) return changed(part);
    reads.add(name);
    return readableOnce(part, wrap);
  });
}

function withGetters(target: object, read: (name: string) => unknown): object {
  const object: object = Array.isArray(target) ? [] : {};
  for (const name of Object.keys(target)) {
    Object.defineProperty(object, name, { get: () => read(name), enumerable: true });
  }
  return object;
}

function withProxy(target: object, read: (name: string) => unknown): object {
  return new Proxy(target, { get: (_target, name) => (typeof name === "string" ? read(name) : undefined) });
}

describe.each(Object.entries(requests))("%s", (_name, { make, ask }) => {
  const paths = pathsOf(make()).map((path) => [path.join("."), path] as const);

  test.each(paths)("is signed as it was at the call, whatever becomes of %s", async (_path, path) => {
    const { key, account } = await createAccount();
    const parameters = make();
    key.onSign = () => change(parameters, path);
    const signed = ask(account, parameters as never);
    const again = ask(account, parameters as never);
    change(parameters, path);
    const control = await ask(CONTROL, make() as never);
    expect(await signed).toEqual(control);
    expect(await again).toEqual(control);
    expect(new Set(key.digests).size).toBe(1);
  });

  test.each([
    ["getters", withGetters],
    ["a proxy", withProxy],
  ] as const)("each part is read once, if %s returns something else later", async (_wrapper, wrap) => {
    const { account } = await createAccount();
    const parameters = readableOnce(make(), wrap);
    expect(await ask(account, parameters as never)).toEqual(await ask(CONTROL, make() as never));
  });
});

test("a transaction of a class is signed with what its getters say", async () => {
  class Payment {
    readonly chainId = 31337;
    readonly type = "eip1559";
    readonly #value = 5n;
    get value() {
      return this.#value;
    }
    get to() {
      return hex(FRIEND);
    }
    get nonce() {
      return 7;
    }
  }
  const { account } = await createAccount();
  const control = await CONTROL.signTransaction(new Payment());
  expect(await account.signTransaction(new Payment())).toBe(control);
  expect(parseTransaction(control)).toMatchObject({ value: 5n, nonce: 7 });
});

test("a value that unfolds to a million parts is refused, not computed", async () => {
  const { account, key } = await createAccount();
  let parts: unknown = 1;
  for (let level = 0; level < 20; level += 1) parts = [parts, parts];
  const types = { Order: [{ name: "parts", type: `uint256${"[]".repeat(20)}` }] };
  const typedData = { domain: {}, types, primaryType: "Order", message: { parts } };
  const failure = await failureOf(() => account.signTypedData(typedData as never));
  expect(failure).toMatchObject({ code: "INVALID_ARGUMENT" });
  const transaction = { ...CALL, ...FEES, accessList: parts } as never;
  expect(await failureOf(() => account.signTransaction(transaction))).toMatchObject({ code: "INVALID_ARGUMENT" });
  expect(key.digests).toEqual([]);
});

describe("a serializer", () => {
  const TRANSACTION = { ...CALL, ...FEES, type: "eip1559" } as const;
  const BLOB = {
    ...{ ...CALL, ...FEES, type: "eip4844" as const, maxFeePerBlobGas: 9n },
    blobVersionedHashes: [hex(versionedHash(SIDECAR.commitment))],
    sidecars: [toViemSidecar(SIDECAR)],
  };
  const typed = (text: string) => text as TransactionSerialized;

  test.each<[name: string, serializer: Serializer, transaction?: TransactionSerializable]>([
    ["another nonce", (tx, signature) => serializeTransaction({ ...tx, nonce: signature ? 9 : 7 }, signature)],
    [
      "another nonce of a legacy transaction",
      (tx, signature) => serializeTransaction({ ...tx, nonce: signature ? 9 : 7 }, signature),
      { ...CALL, type: "legacy", gasPrice: 1n },
    ],
    [
      "another chain of a legacy transaction",
      (tx, signature) => serializeTransaction({ ...tx, chainId: signature ? 1 : 31337 }, signature),
      { ...CALL, type: "legacy", gasPrice: 1n },
    ],
    [
      "another recipient in the payload of a blob transaction",
      (tx, signature) => serializeTransaction({ ...tx, to: signature ? OTHER : FRIEND } as never, signature),
      BLOB,
    ],
    [
      "another type",
      (tx, signature) =>
        signature
          ? serializeTransaction({ ...CALL, type: "legacy", gasPrice: 1n }, signature)
          : serializeTransaction(tx),
    ],
    [
      "a type of its own at first",
      (tx, signature) => (signature ? serializeTransaction(tx, signature) : typed("0x7f01")),
    ],
    [
      "another nonce of a type that viem does not know",
      (tx, signature) => serializeForCelo({ ...tx, nonce: signature ? 9 : 7 } as never, signature) as never,
      { ...CALL, ...FEES, feeCurrency: FRIEND, type: "cip64" } as never,
    ],
    [
      "another signature",
      (tx, signature) => serializeTransaction(tx, signature && { ...signature, r: hex(id("another")) }),
    ],
    ["the other parity", (tx, signature) => serializeTransaction(tx, signature && flip(signature))],
    ["no signature", (tx) => serializeTransaction(tx)],
    ["no signature of a type of its own", () => typed("0x7f01")],
    ["a byte more", (tx, signature) => typed(concatHex([serializeTransaction(tx, signature), "0x00"]))],
    ["no hex string", (tx, signature) => (signature ? typed("signed") : serializeTransaction(tx))],
    ["a type of its own, another each time", once()],
  ])(
    "that returns %s with the signature is refused",
    async (_name, serializer, transaction: TransactionSerializable = TRANSACTION) => {
      const { account } = await createAccount();
      const failure = await failureOf(() => account.signTransaction(transaction, { serializer }));
      expect(failure).toMatchObject({
        code: "INVALID_ARGUMENT",
        shortMessage: expect.stringMatching(/^the serializer /),
      });
    },
  );

  test("that returns no hex string at first signs nothing", async () => {
    const { account, key } = await createAccount();
    const serializer = (() => undefined) as unknown as Serializer;
    const failure = await failureOf(() => account.signTransaction(TRANSACTION, { serializer }));
    expect([failure.code, key.digests]).toEqual(["INVALID_ARGUMENT", []]);
  });

  test("that adds the sidecars has the payload signed, even if the transaction names no type", async () => {
    const { account } = await createAccount();
    const { type: _type, ...untyped } = BLOB;
    const serializer: Serializer = (...args) => serializeTransaction(...args);
    expect(await account.signTransaction(untyped, { serializer })).toBe(await CONTROL.signTransaction(BLOB));
  });

  test("of Tempo, whose envelopes are not Ethereum's", async () => {
    const { account } = await createAccount();
    const calls = [{ to: FRIEND, value: 1n, data: "0x" }];
    const fields = { type: "tempo", chainId: 42431, gas: 50_000n, nonce: 3, ...FEES, calls, feeToken: OTHER };
    const sponsor = privateKeyToAccount(hex(id("a sponsor")));
    const serializer = TempoTransaction.serialize as unknown as Serializer;
    for (const transaction of [fields, { ...fields, feePayer: sponsor }]) {
      const sign = (by: Account) => by.signTransaction(transaction as never, { serializer });
      const signed = await sign(account);
      expect(signed).toMatch(/^0x76/);
      expect(signed).toBe(await sign(CONTROL));
    }
  });
});

function flip<T extends { readonly yParity?: number | undefined }>(signature: T) {
  const yParity = signature.yParity === 1 ? 0 : 1;
  return { ...signature, yParity, v: BigInt(27 + yParity) };
}

function once(): Serializer {
  let calls = 0;
  return (_transaction, signature) => {
    calls += 1;
    return `0x7f0${calls}${signature ? `${signature.r.slice(2)}${signature.s.slice(2)}` : ""}` as TransactionSerialized;
  };
}
