import { expect, test } from "@jest/globals";
import type { Signer, TransactionRequest } from "ethers";
import { Transaction, Wallet } from "ethers";
import { expectSameFailure, expectSameSerialized, expectSameTransaction } from "./compare.ts";
import type { Context } from "./context.ts";
import { FRIEND, OTHER, OTHER_PRIVATE_KEY } from "./context.ts";

const BASE = { type: 2, to: FRIEND, nonce: 7, gasLimit: 21_000n, value: 1n, chainId: 31337n };

const sign = (request: TransactionRequest) => (signer: Signer) => signer.signTransaction(request);
// An address whose letters' case is not a checksum.
const misspelt = (address: string) => address.slice(0, 2) + address.slice(2).replace(/[a-f]/i, swapCase);
const swapCase = (letter: string) => (letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase());

/** How a request is read, whatever its type: the sender, the forms of its fields, and whose object it stays. */
export function describeTransactionRequests(context: Context): void {
  test("the own address as sender, with its checksum, in lower case and in upper case", async () => {
    const { offline, address } = context();
    for (const from of [address, address.toLowerCase(), `0x${address.slice(2).toUpperCase()}`]) {
      const signed = await expectSameTransaction(offline, { ...BASE, from });
      expect(signed).toMatchObject({ from: address, nonce: 7 });
    }
  });

  test("someone else as sender is refused", async () => {
    const expected = {
      code: "INVALID_ARGUMENT",
      shortMessage: "transaction from address mismatch",
      argument: "tx.from",
      value: OTHER,
    };
    await expectSameFailure(context().offline, sign({ ...BASE, from: OTHER }), expected);
    await expectSameFailure(context().offline, sign({ ...BASE, from: OTHER.toLowerCase() }), expected);
  });

  test("a bad checksum is refused, in the sender and in the recipient", async () => {
    const { offline, address } = context();
    const expected = { code: "INVALID_ARGUMENT", shortMessage: "bad address checksum", argument: "address" };
    await expectSameFailure(offline, sign({ ...BASE, from: misspelt(address) }), expected);
    await expectSameFailure(offline, sign({ ...BASE, to: misspelt(FRIEND) }), expected);
  });

  test("a lower-case recipient gets its checksum", async () => {
    const signed = await expectSameTransaction(context().offline, { ...BASE, to: FRIEND.toLowerCase() });
    expect(signed.to).toBe(FRIEND);
  });

  test("empty strings as addresses count as absent", async () => {
    const signed = await expectSameTransaction(context().offline, { ...BASE, to: "", from: "" });
    expect(signed.to).toBeNull();
  });

  test("numbers come as numbers, bigints, decimal strings or hex strings", async () => {
    const forms = { nonce: "0x7", gasLimit: "21000", value: 1, chainId: "0x7a69" } as unknown as TransactionRequest;
    const signed = await expectSameTransaction(context().offline, { ...BASE, ...forms });
    expect(signed).toMatchObject({ nonce: 7, gasLimit: 21_000n, value: 1n, chainId: 31337n });
  });

  test("data without 0x, a negative value or a fractional nonce are refused", async () => {
    const { offline } = context();
    const invalid = { code: "INVALID_ARGUMENT" };
    await expectSameFailure(offline, sign({ ...BASE, data: "1234" }), { ...invalid, argument: "value" });
    await expectSameFailure(offline, sign({ ...BASE, nonce: 1.5 }), { ...invalid, argument: "request.nonce" });
    await expectSameFailure(offline, sign({ ...BASE, value: -1n }), { code: "NUMERIC_FAULT" });
    await expectSameFailure(offline, sign({ ...BASE, value: "one" }), { ...invalid, argument: "request.value" });
  });

  test("a promise as nonce is refused", async () => {
    const nonce = Promise.resolve(7) as unknown as number;
    const expected = { code: "INVALID_ARGUMENT", argument: "request.nonce", shortMessage: "invalid numeric value" };
    await expectSameFailure(context().offline, sign({ ...BASE, nonce }), expected);
  });

  test("properties that no transaction has are dropped", async () => {
    const extra = { hash: "0x12", blockTag: "latest", customData: {}, enableCcipRead: true, colour: "red", wait: 5 };
    const signed = await expectSameTransaction(context().offline, { ...BASE, ...extra });
    const plain = await expectSameTransaction(context().offline, BASE);
    expect(signed.unsignedHash).toBe(plain.unsignedHash);
  });

  test("a frozen request is accepted, and no request changes", async () => {
    const { offline, address } = context();
    const entry = Object.freeze({ address: FRIEND, storageKeys: Object.freeze([`0x${"00".repeat(32)}`]) as string[] });
    const accessList = Object.freeze([entry]) as unknown as (typeof entry)[];
    const frozen = Object.freeze({ ...BASE, from: address.toLowerCase(), accessList });
    const signed = await expectSameTransaction(offline, frozen);
    expect(signed.accessList).toHaveLength(1);

    const loose = { ...BASE, from: address.toLowerCase(), data: new Uint8Array([1, 2]) };
    const before = { ...loose };
    await expectSameTransaction(offline, loose as unknown as TransactionRequest);
    expect(loose).toEqual(before);
    expect(Object.keys(loose)).toEqual(Object.keys(before));
  });

  test("the request is read at the call: what the caller changes afterwards is not signed", async () => {
    const { offline, address } = context();
    for (const signer of [offline.signer, offline.wallet]) {
      const request = { ...BASE, from: address };
      const signing = signer.signTransaction(request);
      Object.assign(request, { value: 999n, to: OTHER, from: OTHER });
      expect(Transaction.from(await signing)).toMatchObject({ value: 1n, to: FRIEND, from: address });
    }
  });

  test("an unsigned Transaction is accepted and stays unsigned", async () => {
    const transaction = Transaction.from(BASE);
    const signed = await expectSameTransaction(context().offline, transaction);
    expect(signed.unsignedHash).toBe(transaction.unsignedHash);
    expect(transaction.signature).toBeNull();
  });

  test("a Transaction that this account signed is signed again", async () => {
    const { offline, address } = context();
    const serialized = await offline.wallet.signTransaction(BASE);
    const transaction = Transaction.from(serialized);
    const signed = await expectSameTransaction(offline, transaction);
    expect(signed.from).toBe(address);
    expect(transaction.serialized).toBe(serialized);
  });

  test("a Transaction that another account signed is refused", async () => {
    const transaction = Transaction.from(await new Wallet(OTHER_PRIVATE_KEY).signTransaction(BASE));
    await expectSameFailure(context().offline, sign(transaction), {
      code: "INVALID_ARGUMENT",
      shortMessage: "transaction from address mismatch",
      argument: "tx.from",
      value: OTHER,
    });
  });

  test("what the signer signed, it accepts again as its own", async () => {
    const { offline, address } = context();
    const own = Transaction.from(await offline.signer.signTransaction(BASE));
    const [again, control] = [await offline.signer.signTransaction(own), await offline.wallet.signTransaction(own)];
    expectSameSerialized(again, control, address);
  });

  test.each<[string, unknown]>([
    ["null", null],
    ["undefined", undefined],
    ["a serialized transaction", "0x02c0"],
  ])("%s instead of a request fails as with the wallet", async (_name, request) => {
    await expectSameFailure(context().offline, sign(request as TransactionRequest), {
      name: "TypeError",
      code: undefined,
    });
  });
}
