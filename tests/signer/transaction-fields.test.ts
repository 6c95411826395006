import { describe, expect, test } from "@jest/globals";
import { hexlify, id, Transaction, type TransactionLike, toBeHex, Wallet, ZeroAddress } from "ethers";
import fc from "fast-check";
import { readTransaction } from "../../src/signer/transaction-fields.ts";
import { cases } from "../support/cases.ts";

const FRIEND = "0x8ba1f109551bD432803012645Ac136ddd64DBA72";
const authority = new Wallet(id("authority"));
const integer = fc.oneof(
  fc.constant(0n),
  fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }),
  fc.bigInt({ min: 0n, max: 300n }),
);
const bytes = fc.uint8Array({ maxLength: 80 }).map(hexlify);
const address = fc.oneof(fc.constant(null), fc.uint8Array({ minLength: 20, maxLength: 20 }).map(hexlify));

const transactions: fc.Arbitrary<TransactionLike<string>> = fc
  .record({
    ...{ type: fc.constantFrom(0, 1, 2, 3, 4), chainId: fc.bigInt({ min: 0n, max: 2n ** 40n }), nonce: fc.nat() },
    ...{ to: address, value: integer, data: bytes, gasLimit: integer, fee: integer, blobs: fc.nat(3) },
  })
  .map(({ fee, blobs, ...rest }) => ({
    ...rest,
    ...(rest.type < 2 ? { gasPrice: fee } : { maxFeePerGas: fee, maxPriorityFeePerGas: 0n }),
    ...(rest.type > 0 ? { accessList: [{ address: FRIEND, storageKeys: [id("slot")] }] } : {}),
    ...(rest.type > 2 ? { to: rest.to ?? FRIEND } : {}),
    ...(rest.type === 3
      ? { maxFeePerBlobGas: fee, blobVersionedHashes: Array(blobs).fill(`0x01${"ab".repeat(31)}`) }
      : {}),
    ...(rest.type === 4
      ? {
          authorizationList: [
            authority.authorizeSync({ address: ZeroAddress, chainId: rest.chainId, nonce: rest.nonce }),
          ],
        }
      : {}),
  }));

describe("an unsigned transaction", () => {
  test("says what ethers reads from it", () => {
    const property = fc.property(transactions, (given) => {
      const transaction = Transaction.from(given);
      const {
        unsignedSerialized: unsigned,
        type,
        nonce,
        to,
        value,
        data,
        gasLimit,
        gasPrice,
        maxFeePerGas,
      } = transaction;
      const blobs = transaction.blobVersionedHashes?.length ?? 0;
      const fee = (type ?? 0) < 2 ? gasPrice : maxFeePerGas;
      const blobFee = BigInt(blobs) * 131_072n * (transaction.maxFeePerBlobGas ?? 0n);
      expect(readTransaction(unsigned)).toEqual({
        ...{ type, nonce, to, value, data, gasLimit, blobs, maxCost: value + gasLimit * (fee ?? 0n) + blobFee },
        chainId: type === 0 && transaction.chainId === 0n ? null : transaction.chainId,
        delegations: (transaction.authorizationList ?? []).map((each) => ({
          chainId: each.chainId,
          delegate: each.address,
          nonce: each.nonce,
        })),
      });
    });
    fc.assert(property, { numRuns: cases(5_000, 200) });
  });

  const { unsignedSerialized } = Transaction.from({ type: 2, chainId: 1, nonce: 5, to: FRIEND, maxFeePerGas: 9n });
  test.each([
    ["a leading zero", "0x01c98201008080808080808080c0"],
    ["a byte that has a length", "0xc7810180808080808080"],
    ["trailing bytes", `${unsignedSerialized}00`],
    ["too few fields", "0x02c0"],
    ["an address of 19 bytes", `0x01db01808080${toBeHex(0x93, 1).slice(2)}${"11".repeat(19)}8080c0`],
    ["another type", unsignedSerialized.replace("0x02", "0x05")],
    ["a field that is a list", "0x01c901c08080808080c0"],
    ["no RLP", "0x"],
  ])("with %s is refused", (_, unsigned) => {
    expect(() => readTransaction(unsigned)).toThrow();
  });

  test("that is signed is refused", async () => {
    for (const type of [0, 1, 2]) {
      const signed = await authority.signTransaction({
        type,
        to: FRIEND,
        chainId: 1,
        gasLimit: 21_000,
        ...(type < 2 ? { gasPrice: 1n } : { maxFeePerGas: 1n }),
      });
      expect(() => readTransaction(signed)).toThrow();
    }
  });
});
