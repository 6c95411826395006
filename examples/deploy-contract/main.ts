// Deploys a contract with a constructor's argument and ETH, and calls it as its owner. It exits with 1 if the chain
// says anything else.
//
//   npx tsx examples/deploy-contract/main.ts [--backend pkcs11|cloudhsm|aws-kms|azure-key-vault] [--key KEY] [--rpc URL]

import { isCallException, parseEther, Wallet } from "ethers";
import { expectEqual } from "../demo/report.ts";
import { onStage } from "../support/stage.ts";
import { deploy, nextContractAddress } from "./deploy.ts";
import artifact from "./vault.json" with { type: "json" };

const HELD = parseEther("0.002");
const WITHDRAWN = parseEther("0.0005");

await onStage(async ({ signer, address, chain, report }) => {
  await chain.fund(address, parseEther("0.02"));
  const { provider } = chain;
  const expected = await nextContractAddress(signer);

  const vault = await deploy(signer, artifact, ["payroll", { value: HELD }]);
  expectEqual("the contract's address", await vault.getAddress(), expected);
  const created = await vault.deploymentTransaction()?.wait();
  expectEqual("the receipt's contract", created?.contractAddress, expected);
  expectEqual("the contract's owner", await vault.getFunction("owner")(), address);
  expectEqual("the constructor's argument", await vault.getFunction("purpose")(), "payroll");
  expectEqual("the contract's balance", await provider.getBalance(expected), HELD);
  report.step("deployed", `${expected}, for ${created?.gasUsed} gas`);

  const recipient = Wallet.createRandom().address;
  const response = await vault.getFunction("withdraw")(recipient, WITHDRAWN);
  expectEqual("the withdrawal's status", (await response.wait())?.status, 1);
  expectEqual("the recipient's balance", await provider.getBalance(recipient), WITHDRAWN);
  expectEqual("the contract's balance", await provider.getBalance(expected), HELD - WITHDRAWN);
  report.step("called", `${response.hash}`);

  const other = vault.connect(Wallet.createRandom().connect(provider)).getFunction("withdraw");
  const refusal = await other.staticCall(recipient, 1n).catch((error: unknown) => error);
  expectEqual("what others are told", isCallException(refusal) && refusal.revert?.name, "NotTheOwner");
  report.step("others", "refused");
});
