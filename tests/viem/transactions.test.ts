import { beforeAll, describe, expect, test } from "@jest/globals";
import { getBytes, id, Transaction } from "ethers";
import {
  type Hex,
  recoverTransactionAddress,
  type SerializeTransactionFn,
  type TransactionSerializable,
  type TransactionSerialized,
} from "viem";
import { serializeTransaction as serializeForCelo } from "viem/celo";
import { keccak256, parseTransaction, serializeTransaction } from "viem/utils";
import { RemoteSigner } from "../../src/signer/remote-signer.ts";
import { toViemAccount } from "../../src/viem/index.ts";
import { expectSameSerialized } from "../contract/compare.ts";
import { cases } from "../support/cases.ts";
import { blobSidecar, cellProofSidecar, constantBlob, versionedHash } from "../support/kzg.ts";
import { MemoryKey } from "../support/memory-key.ts";
import { kzg, serializeWithCellProofs, toViemSidecar } from "./blobs.ts";
import { createPair, expectSame, expectSameFailure, FRIEND, hex, type Pair, PRIVATE_KEY } from "./pair.ts";

const SIDECAR = blobSidecar(2n);
const SIDECARS = [toViemSidecar(SIDECAR)];
const HASHES = [hex(versionedHash(SIDECAR.commitment))];
const ACCESS_LIST = [{ address: FRIEND, storageKeys: [hex(id("slot 1")), hex(id("slot 2"))] }] as const;
const FEES = { maxFeePerGas: 30n, maxPriorityFeePerGas: 2n };
const CALL = { chainId: 31337, nonce: 7, gas: 100_000n, to: FRIEND, value: 1n, data: "0x12345678" } as const;
const BLOB_CALL = { ...CALL, ...FEES, type: "eip4844", maxFeePerBlobGas: 9n } as const;

let pair: Pair;
beforeAll(async () => {
  pair = await createPair();
});

async function recover(serialized: Hex): Promise<Hex> {
  return recoverTransactionAddress({ serializedTransaction: serialized as TransactionSerialized });
}

describe("signTransaction", () => {
  test.each<[string, TransactionSerializable, string]>([
    ["legacy with EIP-155", { ...CALL, type: "legacy", gasPrice: 5n }, "legacy"],
    ["legacy without EIP-155", { type: "legacy", nonce: 0, gasPrice: 5n, to: FRIEND }, "legacy"],
    ["legacy on a chain of many digits", { ...CALL, type: "legacy", chainId: 2 ** 40 }, "legacy"],
    ["legacy that creates a contract", { type: "legacy", data: "0x6000", chainId: 1 }, "legacy"],
    ["legacy by its gasPrice", { gasPrice: 5n }, "legacy"],
    ["EIP-2930", { ...CALL, type: "eip2930", gasPrice: 5n, accessList: ACCESS_LIST }, "eip2930"],
    ["EIP-2930 of nothing", { type: "eip2930", chainId: 1 }, "eip2930"],
    ["EIP-2930 by its access list and gasPrice", { chainId: 1, gasPrice: 5n, accessList: ACCESS_LIST }, "eip2930"],
    ["EIP-1559", { ...CALL, ...FEES, type: "eip1559" }, "eip1559"],
    ["EIP-1559 with an access list", { ...CALL, ...FEES, type: "eip1559", accessList: ACCESS_LIST }, "eip1559"],
    ["EIP-1559 that creates a contract", { ...FEES, type: "eip1559", chainId: 1, data: "0x6000" }, "eip1559"],
    ["EIP-1559 by its fees", { ...CALL, ...FEES }, "eip1559"],
    ["EIP-1559 of nothing", { type: "eip1559", chainId: 1 }, "eip1559"],
    ["EIP-4844 with hashes only", { ...BLOB_CALL, blobVersionedHashes: HASHES }, "eip4844"],
    ["EIP-4844 with sidecars", { ...BLOB_CALL, blobVersionedHashes: HASHES, sidecars: SIDECARS }, "eip4844"],
    ["EIP-4844 with sidecars refused", { ...BLOB_CALL, blobVersionedHashes: HASHES, sidecars: false }, "eip4844"],
    ["EIP-4844 with blobs and KZG", { ...BLOB_CALL, blobs: [hex(SIDECAR.data)], kzg }, "eip4844"],
    ["EIP-4844 with blobs as bytes and KZG", { ...BLOB_CALL, blobs: [getBytes(constantBlob(3n))], kzg }, "eip4844"],
    ["EIP-7702 without authorizations", { ...CALL, ...FEES, type: "eip7702", authorizationList: [] }, "eip7702"],
  ])("%s", async (_name, transaction, type) => {
    const serialized = await expectSame(pair, (account) => account.signTransaction(transaction));
    expect(parseTransaction(serialized as TransactionSerialized).type).toBe(type);
    expect(await recover(serialized)).toBe(pair.local.address);
    expect(Transaction.from(serialized).from).toBe(pair.local.address);
  });

  test("EIP-7702 with authorizations of its own and of another account", async () => {
    const otherPair = await createPair(hex(id("another account of viem's tests")));
    const authorizationList = [
      await pair.remote.signAuthorization({ address: FRIEND, chainId: 31337, nonce: 8 }),
      await otherPair.remote.signAuthorization({ address: FRIEND, chainId: 0, nonce: 0 }),
    ];
    const transaction = { ...CALL, ...FEES, authorizationList };
    const serialized = await expectSame(pair, (account) => account.signTransaction(transaction));
    const [own, other] = Transaction.from(serialized).authorizationList ?? [];
    expect(own).toMatchObject({ address: FRIEND, chainId: 31337n, nonce: 8n });
    expect(other).toMatchObject({ address: FRIEND, chainId: 0n, nonce: 0n });
  });

  test("the EIP-4844 payload is signed without the sidecars, also where the type is left out", async () => {
    const { type: _type, ...untyped } = { ...BLOB_CALL, blobVersionedHashes: HASHES, sidecars: SIDECARS };
    const serialized = await pair.remote.signTransaction(untyped);
    expect(serialized).toBe(await pair.local.signTransaction({ ...untyped, type: "eip4844" }));
    // viem's own account hashes the sidecars as well then, and so the sender is an unknown account.
    expect(await recover(await pair.local.signTransaction(untyped))).not.toBe(pair.local.address);
  });

  test("a frozen transaction is signed, and properties of no transaction are dropped", async () => {
    const transaction = Object.freeze({ ...CALL, ...FEES, account: pair.local.address, memo: "dropped" });
    await expectSame(pair, (account) => account.signTransaction(transaction));
  });

  test("a transaction that is changed meanwhile is signed as it was", async () => {
    const transaction = { ...CALL, ...FEES };
    const expected = await pair.local.signTransaction(transaction);
    const signing = pair.remote.signTransaction(transaction);
    Object.assign(transaction, { nonce: 8, value: 2n });
    expect(await signing).toBe(expected);
  });

  test("with random nonces each transaction is the account's, whatever its type", async () => {
    const account = await toViemAccount(new RemoteSigner(new MemoryKey(PRIVATE_KEY)));
    const authorization = await account.signAuthorization({ address: FRIEND, chainId: 0, nonce: 0 });
    const details = [
      { type: "legacy" },
      { type: "eip2930" },
      { type: "eip1559" },
      { type: "eip4844", blobVersionedHashes: HASHES },
      { type: "eip7702", authorizationList: [authorization] },
    ];
    for (const detail of details) {
      for (let nonce = 0; nonce < cases(20, 8); nonce += 1) {
        const transaction = { chainId: 31337, nonce, to: FRIEND, ...detail } as TransactionSerializable;
        const [actual, control] = [
          await account.signTransaction(transaction),
          await pair.local.signTransaction(transaction),
        ];
        expectSameSerialized(actual, control, pair.local.address);
      }
    }
  });

  test.each<[string, object, { name: string }]>([
    ["a recipient that is no address", { ...CALL, to: "0x12", type: "eip1559" }, { name: "InvalidAddressError" }],
    ["chainId 0", { ...CALL, chainId: 0, type: "eip1559" }, { name: "InvalidChainIdError" }],
    ["a negative chainId", { chainId: -1, type: "legacy" }, { name: "InvalidChainIdError" }],
    ["a tip above the fee", { ...CALL, maxFeePerGas: 1n, maxPriorityFeePerGas: 2n }, { name: "TipAboveFeeCapError" }],
    ["a fee of 33 bytes", { ...CALL, maxFeePerGas: 2n ** 256n }, { name: "FeeCapTooHighError" }],
    ["EIP-1559 fees in a legacy one", { ...FEES, type: "legacy" }, { name: "BaseError" }],
    ["no blobs", { ...BLOB_CALL, blobVersionedHashes: [] }, { name: "EmptyBlobError" }],
    [
      "a hash of a blob of 31 bytes",
      { ...BLOB_CALL, blobVersionedHashes: ["0x01"] },
      { name: "InvalidVersionedHashSizeError" },
    ],
    [
      "a storage key of 1 byte",
      { chainId: 1, type: "eip2930", accessList: [{ address: FRIEND, storageKeys: ["0x01"] }] },
      { name: "InvalidStorageKeySizeError" },
    ],
    [
      "an authorization of no address",
      { ...CALL, authorizationList: [{ address: "0x1", chainId: 1, nonce: 1 }] },
      { name: "InvalidAddressError" },
    ],
    ["nothing to tell the type by", { nonce: 1 }, { name: "InvalidSerializableTransactionError" }],
    ["blobs and no KZG library", { ...BLOB_CALL, blobs: [SIDECAR.data] }, { name: "TypeError" }],
  ])("%s is refused", async (_name, transaction, expected) => {
    const input = transaction as TransactionSerializable;
    await expectSameFailure(pair, (account) => account.signTransaction(input), expected);
  });

  test("no transaction is refused", async () => {
    const nothing = undefined as unknown as TransactionSerializable;
    await expectSameFailure(pair, (account) => account.signTransaction(nothing), { name: "TypeError" });
  });
});

describe("custom serializers", () => {
  const feeCurrency = "0x765DE816845861e75A25fCA122bb6898B8B1282a";

  test("viem's own for Celo", async () => {
    const transaction = { ...CALL, ...FEES, feeCurrency, type: "cip64" } as const;
    const serialized = await expectSame(pair, (account) =>
      account.signTransaction(transaction as never, { serializer: serializeForCelo as never }),
    );
    expect(serialized).toMatch(/^0x7b/);
    const unsigned = serializeForCelo(transaction);
    expect(pair.key.digests.at(-1)).toBe(keccak256(unsigned));
  });

  test.each<[string, boolean]>([
    ["that answers at once", false],
    ["that answers later", true],
  ])("one %s gets what viem's account gives it", async (_name, later) => {
    const transaction = { ...BLOB_CALL, blobVersionedHashes: HASHES, sidecars: SIDECARS };
    const calls: unknown[][] = [];
    const serializer: SerializeTransactionFn<TransactionSerializable> = (...args) => {
      calls.push(args);
      const serialized = serializeTransaction(...args);
      return later ? Promise.resolve(serialized) : serialized;
    };
    await expectSame(pair, (account) => account.signTransaction(transaction, { serializer }));
    const [unsigned, signed, ...ofViem] = calls;
    expect(unsigned).toEqual([{ ...transaction, sidecars: false }]);
    expect(signed).toEqual([
      transaction,
      { r: expect.any(String), s: expect.any(String), v: expect.any(BigInt), yParity: expect.any(Number) },
    ]);
    expect(ofViem).toEqual([unsigned, signed]);
  });

  test("of a type that viem does not know", async () => {
    const serializer: SerializeTransactionFn<TransactionSerializable> = (_transaction, signature) =>
      signature
        ? (`0x7f${signature.r.slice(2)}${signature.s.slice(2)}` as TransactionSerialized)
        : ("0x7f01" as TransactionSerialized);
    const transaction = { type: "house", sidecars: "its own" } as unknown as TransactionSerializable;
    await expectSame(pair, (account) => account.signTransaction(transaction, { serializer }));
    expect(pair.key.digests.at(-1)).toBe(keccak256("0x7f01"));
  });

  test("for EIP-7594's cell proofs, which viem's own does not write", async () => {
    const cells = cellProofSidecar(2n);
    const transaction = { ...BLOB_CALL, blobVersionedHashes: HASHES, sidecars: [toViemSidecar(cells)] };
    const options = { serializer: serializeWithCellProofs };
    const serialized = await expectSame(pair, (account) => account.signTransaction(transaction, options));
    const decoded = Transaction.from(serialized);
    expect(decoded).toMatchObject({ from: pair.local.address, blobWrapperVersion: 1 });
    expect(decoded.blobs).toEqual([cells]);
  });

  test("one that fails signs nothing", async () => {
    const serializer: SerializeTransactionFn<TransactionSerializable> = () => {
      throw new RangeError("not today");
    };
    const sign = (account: Pair["remote"] | Pair["local"]) => account.signTransaction({ ...CALL }, { serializer });
    await expectSameFailure(pair, sign, { name: "RangeError", message: "not today" });
  });

  test("undefined is viem's own", async () => {
    const transaction = { ...CALL, ...FEES };
    await expectSame(pair, (account) => account.signTransaction(transaction, { serializer: undefined }));
    await expectSame(pair, (account) => account.signTransaction(transaction, undefined));
  });
});
