import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { parseEther } from "ethers";
import { toSimpleSmartAccount } from "permissionless/accounts";
import { createPublicClient, createWalletClient, type Hex, http } from "viem";
import { entryPoint07Abi, toPackedUserOperation } from "viem/account-abstraction";
import { foundry } from "viem/chains";
import { toViemAccount } from "../../src/viem/index.ts";
import { type Fixture, FRIEND, startFixture } from "../eip1193/support.ts";
import { deploy } from "./deploy.ts";

const CONTRACTS = "@account-abstraction/contracts/artifacts";

let fixture: Fixture;
beforeAll(async () => {
  fixture = await startFixture();
});
afterAll(() => fixture.anvil.stop());

test("a smart account whose owner is the key pays by a user operation", async () => {
  const { anvil, chain } = fixture;
  const signer = fixture.signer.connect(chain);
  const address = await deploy(signer, `${CONTRACTS}/EntryPoint.json`);
  const factoryAddress = await deploy(signer, `${CONTRACTS}/SimpleAccountFactory.json`, address);
  const client = createPublicClient({ chain: foundry, transport: http(anvil.url), pollingInterval: 20 });
  const owner = await toViemAccount(signer);
  const account = await toSimpleSmartAccount({
    ...{ client, owner, factoryAddress },
    entryPoint: { address, version: "0.7" },
  });
  await anvil.fund(account.address, parseEther("1"));

  const operation = {
    sender: account.address,
    nonce: await account.getNonce(),
    ...(await account.getFactoryArgs()),
    callData: await account.encodeCalls([{ to: FRIEND as Hex, value: 5n }]),
    ...{ callGasLimit: 200_000n, verificationGasLimit: 500_000n, preVerificationGas: 100_000n },
    ...{ maxFeePerGas: 2_000_000_000n, maxPriorityFeePerGas: 1_000_000_000n },
    signature: "0x" as Hex,
  };
  const signed = { ...operation, signature: await account.signUserOperation(operation as never) };

  // What a bundler does with it.
  const before = await chain.getBalance(FRIEND);
  const bundler = createWalletClient({ account: owner, chain: foundry, transport: http(anvil.url) });
  const hash = await bundler.writeContract({
    ...{ address, abi: entryPoint07Abi, functionName: "handleOps" },
    args: [[toPackedUserOperation(signed as never)], owner.address],
  });
  expect(await client.waitForTransactionReceipt({ hash })).toMatchObject({ status: "success" });
  expect((await chain.getBalance(FRIEND)) - before).toBe(5n);
});
