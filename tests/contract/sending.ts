import { expect, test } from "@jest/globals";
import type { TransactionReceipt, TransactionRequest } from "ethers";
import { parseEther, parseUnits, Transaction } from "ethers";
import { cellProofSidecar, constantBlob, constantKzg } from "../support/kzg.ts";
import { failureOf } from "./compare.ts";
import type { Context, ContractContext } from "./context.ts";
import { FRIEND, NAMES } from "./context.ts";

const BLOB_FEE = parseUnits("10", "gwei");

/** Sends, waits, and checks that the chain took it as the account's. */
async function mine({ online, address }: ContractContext, request: TransactionRequest): Promise<TransactionReceipt> {
  const response = await online.signer.sendTransaction(request);
  const receipt = await response.wait();
  expect(response.from).toBe(address);
  expect(receipt).toMatchObject({ status: 1, from: address, hash: response.hash });
  if (receipt === null) throw new Error("not mined");
  return receipt;
}

/** Transactions of every type that a real node accepts as the account's. */
export function describeSending(context: Context): void {
  test.each([0, 1, 2])("type %d", async (type) => {
    const { provider } = context();
    const before = await provider.getBalance(FRIEND);
    const receipt = await mine(context(), { type, to: FRIEND, value: 5n });
    expect(receipt).toMatchObject({ type, to: FRIEND });
    expect(await provider.getBalance(FRIEND)).toBe(before + 5n);
  });

  test("type 1 with an access list", async () => {
    const accessList = [{ address: FRIEND, storageKeys: [`0x${"00".repeat(32)}`] }];
    expect(await mine(context(), { type: 1, to: FRIEND, accessList })).toMatchObject({ type: 1 });
  });

  test("no type is type 2, to a name", async () => {
    expect(await mine(context(), { to: NAMES.friend, value: 1n })).toMatchObject({ type: 2, to: FRIEND });
  });

  test("type 0 without EIP-155, signed apart and broadcast", async () => {
    const { online, provider, address } = context();
    const request = { type: 0, to: FRIEND, chainId: 0, gasLimit: 21_000, gasPrice: parseUnits("5", "gwei") };
    const serialized = await online.signer.signTransaction({ ...request, nonce: await online.signer.getNonce() });
    const response = await provider.broadcastTransaction(serialized);
    expect(await response.wait()).toMatchObject({ status: 1, from: address, hash: Transaction.from(serialized).hash });
  });

  test("type 3 with a raw blob and with cell proofs", async () => {
    const raw = { type: 3, to: FRIEND, maxFeePerBlobGas: BLOB_FEE, kzg: constantKzg, blobs: [constantBlob(2n)] };
    expect(await mine(context(), raw)).toMatchObject({ type: 3, blobGasUsed: 131_072n });
    const blobs = [cellProofSidecar(3n)];
    const cells = { type: 3, to: FRIEND, maxFeePerBlobGas: BLOB_FEE, blobWrapperVersion: 1, blobs };
    expect(await mine(context(), cells)).toMatchObject({ type: 3, blobGasUsed: 131_072n });
  });

  test("type 4: the account takes on a contract's code, and gives it up again", async () => {
    const { online, provider, address } = context();
    const delegate = async (target: string) => {
      // The transaction itself uses up one nonce before the authorization is looked at.
      const nonce = (await online.signer.getNonce()) + 1;
      const authorization = await online.signer.authorize({ address: target, nonce });
      return mine(context(), { type: 4, to: address, authorizationList: [authorization] });
    };
    expect(await delegate(FRIEND)).toMatchObject({ type: 4 });
    expect(await provider.getCode(address)).toBe(`0xef0100${FRIEND.slice(2).toLowerCase()}`);
    await delegate(`0x${"00".repeat(20)}`);
    expect(await provider.getCode(address)).toBe("0x");
  });

  test("an authorization for every chain works at nonce 0, sent by another account", async () => {
    const { anvil, online, pair, provider } = context();
    const { signer } = await pair(null, `0x${"11".repeat(32)}`);
    const account = await signer.getAddress();
    await anvil.fund(account, 0n);
    const authorization = await signer.authorize({ address: FRIEND, nonce: 0, chainId: 0 });
    const sent = await online.wallet.sendTransaction({ type: 4, to: account, authorizationList: [authorization] });
    expect(await sent.wait()).toMatchObject({ status: 1 });
    expect(await provider.getCode(account)).toBe(`0xef0100${FRIEND.slice(2).toLowerCase()}`);
    expect(await provider.getTransactionCount(account)).toBe(1);
  });

  test("too little money fails as with the wallet", async () => {
    const { signer, wallet } = context().online;
    const request = { to: FRIEND, value: parseEther("100000"), gasLimit: 21_000 };
    for (const each of [signer, wallet]) {
      const { code } = await failureOf(() => each.sendTransaction(request));
      expect(code).toBe("INSUFFICIENT_FUNDS");
    }
  });

  test("a used nonce fails as with the wallet", async () => {
    const { signer, wallet } = context().online;
    for (const each of [signer, wallet]) {
      const { code } = await failureOf(() => each.sendTransaction({ to: FRIEND, nonce: 0, gasLimit: 21_000 }));
      expect(code).toBe("NONCE_EXPIRED");
    }
  });
}
