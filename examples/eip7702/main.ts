// Delegates an account to a contract's code (EIP-7702), makes several payments in one transaction, and revokes the
// delegation. It exits with 1 if the chain says anything else.
//
//   npx tsx examples/eip7702/main.ts [--backend pkcs11|cloudhsm|aws-kms|azure-key-vault] [--key KEY] [--rpc URL]

import { Contract, ContractFactory, concat, isCallException, parseEther, Wallet } from "ethers";
import { expectEqual } from "../demo/report.ts";
import { onStage } from "../support/stage.ts";
import artifact from "./batch-account.json" with { type: "json" };
import { delegate, execute, revoke } from "./delegation.ts";

const VALUES = [1n, 2n, 3n].map((finneys) => finneys * parseEther("0.0001"));
// What EIP-7702 puts before the address, as an account's code.
const DESIGNATOR = "0xef0100";

await onStage(async ({ signer, address, chain, report }) => {
  await chain.fund(address, parseEther("0.02"));
  const { provider } = chain;
  const deployed = await new ContractFactory(artifact.abi, artifact.bytecode, signer).deploy();
  const implementation = await (await deployed.waitForDeployment()).getAddress();
  report.step("code", implementation);

  const delegated = await delegate(signer, implementation);
  expectEqual("the transaction's type", delegated.type, 4);
  expectEqual("the account's code", await provider.getCode(address), concat([DESIGNATOR, implementation]));
  report.step("delegated", delegated.hash);

  const payees = VALUES.map((value) => ({ to: Wallet.createRandom().address, value, data: "0x" }));
  const batch = await execute(signer, payees);
  for (const { to, value } of payees) expectEqual(`the balance of ${to}`, await provider.getBalance(to), value);
  report.step("3 payments in 1", `${batch.hash}, for ${batch.gasUsed} gas`);

  const account = new Contract(address, artifact.abi, Wallet.createRandom().connect(provider));
  const refusal = await account
    .getFunction("execute")
    .staticCall(payees)
    .catch((error: unknown) => error);
  expectEqual("what others are told", isCallException(refusal) && refusal.revert?.name, "NotTheAccount");
  report.step("others", "refused");

  const revoked = await revoke(signer);
  expectEqual("the transaction's type", revoked.type, 4);
  expectEqual("the account's code", await provider.getCode(address), "0x");
  report.step("revoked", revoked.hash);
});
