import { expect, test } from "@jest/globals";
import type { Signer, TransactionRequest } from "ethers";
import { NonceManager, verifyMessage } from "ethers";
import { expectSameFailure } from "./compare.ts";
import type { Context, Pair } from "./context.ts";
import { FRIEND, NAMES, OTHER } from "./context.ts";

/** The signer answers as the wallet does, and that is as `expected`. */
async function expectSameAnswer(
  { signer, wallet }: Pair,
  ask: (signer: Signer) => Promise<unknown>,
  expected: unknown,
): Promise<void> {
  const [actual, control] = [await ask(signer), await ask(wallet)];
  expect(control).toEqual(expected);
  expect(actual).toEqual(control);
}

/** What needs a provider but no signature. */
export function describeNetwork(context: Context): void {
  test("the nonce is the account's on the chain", async () => {
    const { online, provider, address } = context();
    const nonce = await provider.getTransactionCount(address);
    await expectSameAnswer(online, (signer) => signer.getNonce(), nonce);
    await expectSameAnswer(online, (signer) => signer.getNonce("pending"), nonce);
    await expectSameAnswer(online, (signer) => signer.getNonce(0), 0);
  });

  test("populateCall resolves names and puts the account in", async () => {
    const { online, address } = context();
    const call = (request: TransactionRequest) => (signer: Signer) => signer.populateCall(request);
    await expectSameAnswer(online, call({ to: NAMES.friend, value: "5" }), { to: FRIEND, from: address, value: 5n });
    await expectSameAnswer(online, call({}), { from: address });
    await expectSameAnswer(online, call({ from: address.toLowerCase(), data: "0x12" }), {
      from: address,
      data: "0x12",
    });
  });

  test.each<[string, TransactionRequest, Record<string, unknown>]>([
    ["nothing", {}, { type: 2, chainId: 31337n }],
    ["a recipient by name", { to: NAMES.friend, value: 1 }, { type: 2, to: FRIEND, value: 1n }],
    ["type 0", { to: FRIEND, type: 0 }, { type: 0, gasPrice: expect.any(BigInt) }],
    ["type 1", { to: FRIEND, type: 1, accessList: [] }, { type: 1, accessList: [] }],
    ["type 3", { to: FRIEND, type: 3, maxFeePerBlobGas: 1 }, { type: 3, maxFeePerBlobGas: 1n }],
    ["a gas price", { to: FRIEND, gasPrice: 5e9 }, { type: 2, maxFeePerGas: 5_000_000_000n, gasLimit: 21_000n }],
    ["given fees", { to: FRIEND, maxFeePerGas: 9e9, maxPriorityFeePerGas: 1 }, { type: 2, maxPriorityFeePerGas: 1n }],
    ["given nonce and gas", { to: FRIEND, nonce: 900, gasLimit: 5 }, { nonce: 900, gasLimit: 5n }],
  ])("populateTransaction fills in the rest of %s", async (_name, request, expected) => {
    const { online, address } = context();
    const whole = expect.objectContaining({ ...expected, from: address, chainId: 31337n });
    await expectSameAnswer(online, (signer) => signer.populateTransaction(request), whole);
  });

  test("estimateGas and call ask as the account", async () => {
    const { online } = context();
    await expectSameAnswer(online, (signer) => signer.estimateGas({ to: FRIEND, value: 1 }), 21_000n);
    await expectSameAnswer(online, (signer) => signer.call({ to: NAMES.friend }), "0x");
    // Code that returns its caller: CALLER PUSH0 MSTORE PUSH1 32 PUSH0 RETURN.
    const caller = { data: "0x335f5260205ff3" };
    const word = `0x${"00".repeat(12)}${context().address.slice(2).toLowerCase()}`;
    await expectSameAnswer(online, (signer) => signer.call(caller), word);
  });

  const foreign = {
    code: "INVALID_ARGUMENT",
    shortMessage: "transaction from mismatch",
    argument: "tx.from",
    value: OTHER,
  };
  test.each<[string, (signer: Signer) => Promise<unknown>]>([
    ["populateCall", (signer) => signer.populateCall({ from: OTHER })],
    ["populateTransaction", (signer) => signer.populateTransaction({ from: OTHER })],
    ["estimateGas", (signer) => signer.estimateGas({ from: OTHER })],
    ["call", (signer) => signer.call({ from: OTHER })],
    ["sendTransaction", (signer) => signer.sendTransaction({ from: OTHER })],
    ["sendTransaction by name", (signer) => signer.sendTransaction({ from: NAMES.other })],
  ])("%s refuses another sender", async (_name, action) => {
    await expectSameFailure(context().online, action, foreign);
  });

  test.each<[string, (signer: Signer) => Promise<unknown>, string]>([
    ["getNonce", (signer) => signer.getNonce(), "getTransactionCount"],
    ["populateTransaction", (signer) => signer.populateTransaction({}), "populateTransaction"],
    ["estimateGas", (signer) => signer.estimateGas({}), "estimateGas"],
    ["call", (signer) => signer.call({}), "call"],
    ["resolveName", (signer) => signer.resolveName(NAMES.friend), "resolveName"],
    ["sendTransaction", (signer) => signer.sendTransaction({}), "sendTransaction"],
  ])("%s without a provider is refused", async (_name, action, operation) => {
    const expected = { code: "UNSUPPORTED_OPERATION", shortMessage: "missing provider", operation };
    await expectSameFailure(context().offline, action, expected);
  });

  test("populateCall needs no provider where there is no name", async () => {
    const { offline, address } = context();
    await expectSameAnswer(offline, (signer) => signer.populateCall({ to: FRIEND }), { to: FRIEND, from: address });
  });

  test("another chain and mixed fees are refused", async () => {
    const { online } = context();
    const populate = (request: TransactionRequest) => (signer: Signer) => signer.populateTransaction(request);
    await expectSameFailure(online, populate({ chainId: 1, gasLimit: 21_000 }), {
      shortMessage: "transaction chainId mismatch",
    });
    const mixed = { gasPrice: 1, maxFeePerGas: 1 };
    const shortMessage = "eip-1559 transaction do not support gasPrice";
    await expectSameFailure(online, populate(mixed), { code: "INVALID_ARGUMENT", argument: "tx", shortMessage });
  });

  test("a NonceManager counts on from the chain's nonce and signs through the signer", async () => {
    const { online, provider, address } = context();
    const nonce = await provider.getTransactionCount(address);
    const manager = new NonceManager(online.signer);
    expect(await manager.getAddress()).toBe(address);
    expect(verifyMessage("managed", await manager.signMessage("managed"))).toBe(address);

    const sent = await Promise.all([1, 2, 3].map((value) => manager.sendTransaction({ to: FRIEND, value })));
    expect(sent.map((response) => response.nonce)).toEqual([nonce, nonce + 1, nonce + 2]);
    for (const response of sent) expect(await response.wait()).toMatchObject({ status: 1, from: address });
    expect(await provider.getTransactionCount(address)).toBe(nonce + 3);
  });
}
