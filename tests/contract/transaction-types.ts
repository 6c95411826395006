import { beforeAll, expect, test } from "@jest/globals";
import type { Authorization, Signer, TransactionRequest } from "ethers";
import { id, Transaction, Wallet, ZeroAddress, ZeroHash } from "ethers";
import { cases } from "../support/cases.ts";
import { blobSidecar, cellProofSidecar, constantKzg, versionedHash } from "../support/kzg.ts";
import { expectSameFailure, expectSameTransaction } from "./compare.ts";
import type { Context } from "./context.ts";
import { FRIEND, OTHER, OTHER_PRIVATE_KEY } from "./context.ts";

const ACCESS_LIST = [{ address: FRIEND, storageKeys: [id("slot 1"), id("slot 2")] }];
const FEES = { maxFeePerGas: 30n, maxPriorityFeePerGas: 2n };
const CALL = { to: FRIEND, nonce: 7, gasLimit: 100_000n, value: 1n, data: "0x12345678", chainId: 31337n };
const BLOB_CALL = { ...CALL, ...FEES, type: 3, maxFeePerBlobGas: 9n };
const VERSIONED_HASH = `0x01${id("a blob").slice(4)}`;

const BLOB = blobSidecar(2n);

/** Transactions of type 0 to 4: each field and the signature, byte for byte what the wallet's would be. */
export function describeTransactionTypes(context: Context): void {
  test.each<[string, TransactionRequest, Record<string, unknown>]>([
    ["type 0 with EIP-155", { ...CALL, type: 0, gasPrice: 5n }, { type: 0, chainId: 31337n, gasPrice: 5n }],
    ["type 0 on chain 1", { ...CALL, type: 0, gasPrice: 5n, chainId: 1 }, { type: 0, chainId: 1n }],
    ["type 0 on a chain of many digits", { ...CALL, type: 0, chainId: 2n ** 40n }, { type: 0, chainId: 2n ** 40n }],
    ["type 0 without EIP-155", { ...CALL, type: 0, gasPrice: 5n, chainId: 0 }, { type: 0, chainId: 0n }],
    ["type 0 without a price", { nonce: 1, type: 0 }, { type: 0, gasPrice: 0n, to: null }],
    ["type 0 that creates a contract", { type: 0, data: "0x6000", chainId: 1 }, { to: null, data: "0x6000" }],
    ["type 1 with an access list", { ...CALL, type: 1, accessList: ACCESS_LIST }, { accessList: ACCESS_LIST }],
    ["type 1 without one", { ...CALL, type: 1, gasPrice: 5n }, { type: 1, accessList: [], gasPrice: 5n }],
    ["type 2", { ...CALL, ...FEES, type: 2 }, { ...FEES, type: 2, nonce: 7, value: 1n, gasPrice: null }],
    ["type 2 with an access list", { ...CALL, type: 2, accessList: ACCESS_LIST }, { accessList: ACCESS_LIST }],
    ["type 2 that creates a contract", { ...FEES, type: 2, data: "0x6000" }, { type: 2, to: null }],
    ["type 3 with hashes only", { ...BLOB_CALL, blobVersionedHashes: [VERSIONED_HASH] }, { blobs: null, type: 3 }],
    ["type 3 without a recipient", { type: 3, blobVersionedHashes: [VERSIONED_HASH] }, { to: ZeroAddress }],
    ["type 4 without authorizations", { ...CALL, ...FEES, type: 4 }, { type: 4, authorizationList: [] }],
    ["a gas price and no type: type 1", { ...CALL, gasPrice: 5n }, { type: 1, gasPrice: 5n }],
    ["fees and no type: type 2", { ...CALL, ...FEES }, { type: 2 }],
    ["an access list and no type: type 2", { ...CALL, accessList: ACCESS_LIST }, { type: 2 }],
    [
      "versioned hashes and no type: type 3",
      { ...BLOB_CALL, type: null, maxFeePerGas: null, maxPriorityFeePerGas: null },
      { type: 3 },
    ],
    [
      "the largest numbers",
      { ...CALL, type: 2, value: 2n ** 256n - 1n, nonce: 2 ** 53 - 1 },
      { value: 2n ** 256n - 1n },
    ],
    ["nothing at all", {}, { type: 2, chainId: 0n, nonce: 0, to: null, value: 0n, gasLimit: 0n, data: "0x" }],
    [
      "only nulls",
      { to: null, from: null, nonce: null, value: null, data: null, type: null },
      { type: 2, chainId: 0n },
    ],
  ])("%s", async (_name, request, expected) => {
    const signed = await expectSameTransaction(context().offline, request);
    expect(signed).toMatchObject(expected);
  });

  test("a type 0 signature of one chain carries that chain", async () => {
    const signed = await expectSameTransaction(context().offline, { ...CALL, type: 0, chainId: 1337 });
    expect(signed.signature?.networkV).toBe(1337n * 2n + 35n + BigInt(signed.signature?.yParity ?? -1));
    expect(signed.signature?.legacyChainId).toBe(1337n);
    const unprotected = await expectSameTransaction(context().offline, { ...CALL, type: 0, chainId: 0 });
    expect(unprotected.signature?.networkV).toBeNull();
  });

  const COUNT = cases(20, 8);
  test(`${COUNT} transactions of each type all come out canonical`, async () => {
    const { offline } = context();
    for (const type of [0, 1, 2, 3, 4]) {
      for (let nonce = 0; nonce < COUNT; nonce++) {
        const signed = await expectSameTransaction(offline, { type, nonce, to: FRIEND, chainId: 31337 });
        expect(signed.nonce).toBe(nonce);
      }
    }
  });

  test("type 3 with a raw blob and a KZG library: the blob is not part of what is signed", async () => {
    const request = { ...BLOB_CALL, kzg: constantKzg, blobs: [BLOB.data] };
    const signed = await expectSameTransaction(context().offline, request);
    const blobVersionedHashes = [versionedHash(BLOB.commitment)];
    expect(signed.blobVersionedHashes).toEqual(blobVersionedHashes);
    expect(signed.blobs).toEqual([BLOB]);
    expect(signed.blobWrapperVersion).toBeNull();
    expect(signed.unsignedHash).toBe(Transaction.from({ ...BLOB_CALL, blobVersionedHashes }).unsignedHash);
  });

  test("type 3 with a raw blob as bytes and too short: ethers pads it", async () => {
    const request = { ...BLOB_CALL, kzg: constantKzg, blobs: [new Uint8Array(3)] };
    const signed = await expectSameTransaction(context().offline, request);
    expect(signed.blobs).toEqual([blobSidecar(0n)]);
  });

  test("type 3 with a ready sidecar needs no KZG library", async () => {
    const signed = await expectSameTransaction(context().offline, { ...BLOB_CALL, blobs: [BLOB] });
    expect(signed.blobs).toEqual([BLOB]);
  });

  test("type 3 with cell proofs", async () => {
    const blobs = [cellProofSidecar(2n), cellProofSidecar(3n)];
    const signed = await expectSameTransaction(context().offline, { ...BLOB_CALL, blobWrapperVersion: 1, blobs });
    expect(signed.blobWrapperVersion).toBe(1);
    expect(signed.blobs).toEqual(blobs);
    expect(signed.blobVersionedHashes).toEqual(blobs.map((blob) => versionedHash(blob.commitment)));
  });

  let authorizations: Authorization[] = [];
  beforeAll(async () => {
    const other = new Wallet(OTHER_PRIVATE_KEY);
    authorizations = [
      await other.authorize({ address: FRIEND, nonce: 0, chainId: 0 }),
      await other.authorize({ address: FRIEND, nonce: 2n ** 64n - 2n, chainId: 31337 }),
    ];
  });

  test("type 4 with authorizations", async () => {
    const request = { ...CALL, ...FEES, type: 4, authorizationList: authorizations };
    const signed = await expectSameTransaction(context().offline, request);
    expect(signed.authorizationList).toEqual(authorizations);
    const untyped = await expectSameTransaction(context().offline, { ...CALL, authorizationList: authorizations });
    expect(untyped.type).toBe(4);
  });

  const sign = (request: TransactionRequest) => (signer: Signer) => signer.signTransaction(request);
  const invalid = "INVALID_ARGUMENT";
  test.each<[string, TransactionRequest, Record<string, unknown>]>([
    [
      "a raw blob without a KZG library",
      { ...BLOB_CALL, blobs: ["0x12"] },
      {
        code: "UNSUPPORTED_OPERATION",
        shortMessage: "adding a raw blob requires a KZG library",
        operation: "set blobs()",
      },
    ],
    [
      "a blob that is too large",
      { ...BLOB_CALL, kzg: constantKzg, blobs: [new Uint8Array(131_073)] },
      { code: invalid, shortMessage: "blob is too large", argument: "blobs[0]" },
    ],
    [
      "a versioned hash that is too short",
      { ...BLOB_CALL, blobVersionedHashes: ["0x01"] },
      { code: invalid, shortMessage: "invalid blobVersionedHash", argument: "value[0]" },
    ],
    ["type 9", { ...CALL, type: 9 }, { code: invalid, shortMessage: "unsupported transaction type", argument: "type" }],
    [
      "an access list in type 0",
      { ...CALL, type: 0, accessList: ACCESS_LIST },
      { code: "BAD_DATA", shortMessage: "legacy transaction cannot have accessList" },
    ],
    [
      "EIP-1559 fees in type 1",
      { ...CALL, ...FEES, type: 1 },
      { code: "BAD_DATA", shortMessage: "transaction type cannot have maxFeePerGas or maxPriorityFeePerGas" },
    ],
    [
      "a tip above the whole fee",
      { ...CALL, type: 2, maxFeePerGas: 1, maxPriorityFeePerGas: 2 },
      { code: "BAD_DATA", shortMessage: "priorityFee cannot be more than maxFee" },
    ],
    [
      "a value of 33 bytes",
      { ...CALL, type: 2, value: 2n ** 256n },
      { code: invalid, shortMessage: "value too large", argument: "tx.value" },
    ],
  ])("%s is refused", async (_name, request, expected) => {
    await expectSameFailure(context().offline, sign(request), expected);
  });

  test("an authorization without a signature gets an empty one, which no node accepts", async () => {
    const authorizationList = [{ address: OTHER, nonce: 0n, chainId: 0n }] as unknown as Authorization[];
    const signed = await expectSameTransaction(context().offline, { ...CALL, type: 4, authorizationList });
    expect(signed.authorizationList?.[0]?.signature).toMatchObject({ r: ZeroHash, s: ZeroHash });
  });
}
