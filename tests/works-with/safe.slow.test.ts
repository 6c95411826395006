import { afterAll, beforeAll, expect, test } from "@jest/globals";
import Safe from "@safe-global/protocol-kit";
import { parseEther } from "ethers";
import { type Fixture, FRIEND, otherWallet, startFixture, wallet } from "../eip1193/support.ts";
import { deploy } from "./deploy.ts";

const CONTRACTS = "@safe-global/safe-contracts/build/artifacts/contracts";

let fixture: Fixture;
beforeAll(async () => {
  fixture = await startFixture();
});
afterAll(() => fixture.anvil.stop());

test("a Safe of two owners is deployed, and pays once both have signed", async () => {
  const { provider, chain, signer } = fixture;
  const deployed = (path: string) => deploy(signer.connect(chain), `${CONTRACTS}/${path}.json`);
  const contractNetworks = {
    31337: {
      safeSingletonAddress: await deployed("Safe.sol/Safe"),
      safeProxyFactoryAddress: await deployed("proxies/SafeProxyFactory.sol/SafeProxyFactory"),
      multiSendAddress: await deployed("libraries/MultiSend.sol/MultiSend"),
      multiSendCallOnlyAddress: await deployed("libraries/MultiSendCallOnly.sol/MultiSendCallOnly"),
      fallbackHandlerAddress: await deployed("handler/CompatibilityFallbackHandler.sol/CompatibilityFallbackHandler"),
      signMessageLibAddress: await deployed("libraries/SignMessageLib.sol/SignMessageLib"),
      createCallAddress: await deployed("libraries/CreateCall.sol/CreateCall"),
      simulateTxAccessorAddress: await deployed("accessors/SimulateTxAccessor.sol/SimulateTxAccessor"),
    },
  };
  const owners = [wallet.address, otherWallet.address];
  const predictedSafe = { safeAccountConfig: { owners, threshold: 2 } };
  const planned = await Safe.init({ provider, signer: wallet.address, predictedSafe, contractNetworks });
  const { to, value, data } = await planned.createSafeDeploymentTransaction();
  await (await signer.connect(chain).sendTransaction({ to, value, data })).wait();
  const safeAddress = await planned.getAddress();
  await fixture.anvil.fund(safeAddress, parseEther("1"));

  const first = await Safe.init({ provider, signer: wallet.address, safeAddress, contractNetworks });
  const second = await Safe.init({ provider, signer: otherWallet.address, safeAddress, contractNetworks });
  const payment = await first.createTransaction({
    transactions: [{ to: FRIEND, value: `${parseEther("0.25")}`, data: "0x" }],
  });
  const signed = await second.signTransaction(await first.signTransaction(payment));
  const before = await chain.getBalance(FRIEND);
  const { hash } = await first.executeTransaction(signed);
  await chain.waitForTransaction(hash);
  expect((await chain.getBalance(FRIEND)) - before).toBe(parseEther("0.25"));
});
