import { expect, test } from "@jest/globals";
import type { Addressable, AddressLike, Signer } from "ethers";
import { Wallet, ZeroAddress } from "ethers";
import { expectSameFailure, expectSameTransaction } from "./compare.ts";
import type { Context } from "./context.ts";
import { FRIEND, NAMES, OTHER, OTHER_PRIVATE_KEY } from "./context.ts";

const BASE = { type: 2, nonce: 7, gasLimit: 21_000n, chainId: 31337n };
const addressable = (address: string): Addressable => ({ getAddress: async () => address });

/** Everything that stands for an address in a transaction: ENS names, Addressables and promises. */
export function describeNames(context: Context): void {
  test("resolveName is the provider's", async () => {
    const { signer, wallet } = context().online;
    for (const each of [signer, wallet]) {
      expect(await each.resolveName(NAMES.friend)).toBe(FRIEND);
      expect(await each.resolveName(NAMES.unknown)).toBeNull();
      expect(await each.resolveName(NAMES.empty)).toBeNull();
    }
  });

  test.each<[string, AddressLike]>([
    ["a name", NAMES.friend],
    ["an Addressable", addressable(FRIEND)],
    ["an Addressable in lower case", addressable(FRIEND.toLowerCase())],
    ["a promise", Promise.resolve(FRIEND)],
    ["a promise in lower case", Promise.resolve(FRIEND.toLowerCase())],
  ])("%s as recipient", async (_name, to) => {
    const signed = await expectSameTransaction(context().online, { ...BASE, to });
    expect(signed.to).toBe(FRIEND);
  });

  test("names, Addressables and promises as sender", async () => {
    const { online, address } = context();
    const senders = [NAMES.account, addressable(address), Promise.resolve(address.toLowerCase()), online.signer];
    for (const from of senders) {
      const signed = await expectSameTransaction(online, { ...BASE, to: NAMES.friend, from });
      expect(signed).toMatchObject({ from: address, to: FRIEND });
    }
  });

  test("Addressables and promises need no provider", async () => {
    const { offline, address } = context();
    const request = { ...BASE, to: new Wallet(OTHER_PRIVATE_KEY), from: Promise.resolve(address) };
    const signed = await expectSameTransaction(offline, request);
    expect(signed.to).toBe(OTHER);
  });

  test.each<[string, AddressLike]>([
    ["a name", NAMES.other],
    ["an Addressable", addressable(OTHER)],
    ["a promise", Promise.resolve(OTHER)],
  ])("another account as sender by %s is refused", async (_name, from) => {
    await expectSameFailure(context().online, (signer) => signer.signTransaction({ ...BASE, from }), {
      code: "INVALID_ARGUMENT",
      shortMessage: "transaction from address mismatch",
      argument: "tx.from",
      value: OTHER,
    });
  });

  test.each(["to", "from"])("a name as %s without a provider is refused", async (field) => {
    const sign = (signer: Signer) => signer.signTransaction({ ...BASE, [field]: NAMES.account });
    await expectSameFailure(context().offline, sign, {
      code: "UNSUPPORTED_OPERATION",
      shortMessage: "missing provider",
      operation: "resolveName",
    });
  });

  test.each(["to", "from"])("a name as %s that has no address is refused", async (field) => {
    for (const name of [NAMES.unknown, NAMES.empty]) {
      const sign = (signer: Signer) => signer.signTransaction({ ...BASE, [field]: name });
      const expected = { code: "UNCONFIGURED_NAME", shortMessage: "unconfigured name", value: name };
      await expectSameFailure(context().online, sign, expected);
    }
  });

  test("an address of another notation is a name, and so needs a provider", async () => {
    const icap = "XE65GB6LDNXYOFTX0NSV3FUWKOWIXAMJK36";
    await expectSameFailure(context().offline, (signer) => signer.signTransaction({ ...BASE, to: icap }), {
      code: "UNSUPPORTED_OPERATION",
      shortMessage: "missing provider",
    });
  });

  const nowhere = "invalid AddressLike value; did not resolve to a value address";
  test.each<[string, () => unknown]>([
    ["a promise of the zero address", () => Promise.resolve(ZeroAddress)],
    ["an Addressable of the zero address", () => addressable(ZeroAddress)],
    ["a promise of null", () => Promise.resolve(null)],
  ])("%s is refused", async (_name, make) => {
    const value = make();
    for (const field of ["to", "from"]) {
      const sign = (signer: Signer) => signer.signTransaction({ ...BASE, [field]: value });
      const expected = { code: "INVALID_ARGUMENT", shortMessage: nowhere, argument: "target" };
      await expectSameFailure(context().online, sign, expected);
    }
  });

  test("the zero address itself is an address", async () => {
    const signed = await expectSameTransaction(context().offline, { ...BASE, to: ZeroAddress });
    expect(signed.to).toBe(ZeroAddress);
  });

  test.each<[string, unknown]>([
    ["a number", 5],
    ["an object", {}],
    ["bytes", new Uint8Array(20)],
  ])("%s as recipient is refused", async (_name, to) => {
    await expectSameFailure(context().online, (signer) => signer.signTransaction({ ...BASE, to: to as string }), {
      code: "INVALID_ARGUMENT",
      shortMessage: "unsupported addressable value",
      argument: "target",
    });
  });

  test("the error of a promise or an Addressable comes through", async () => {
    const broken: Addressable = { getAddress: () => Promise.reject(new Error("no address today")) };
    const sign = (to: AddressLike) => (signer: Signer) => signer.signTransaction({ ...BASE, to });
    await expectSameFailure(context().online, sign(broken), { name: "Error", message: "no address today" });
    const rejected = Promise.reject(new RangeError("lost"));
    await expectSameFailure(context().online, sign(rejected), { name: "RangeError", message: "lost" });
  });
}
