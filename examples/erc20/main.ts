// Transfers ERC-20 tokens, and lets another account take some by a signed permit (EIP-2612), for which the owner pays
// nothing. It exits with 1 if the chain says anything else.
//
//   npx tsx examples/erc20/main.ts [--backend pkcs11|cloudhsm|aws-kms|azure-key-vault] [--key KEY] [--rpc URL]

import { type Contract, ContractFactory, isCallException, parseEther, parseUnits, Wallet } from "ethers";
import { expectEqual } from "../demo/report.ts";
import { onStage } from "../support/stage.ts";
import { handIn, type Permit, signPermit, tokenAt, transfer } from "./erc20.ts";
import artifact from "./permit-token.json" with { type: "json" };

const SUPPLY = parseUnits("1000000", 18);
const PAID = parseUnits("250", 18);
const ALLOWED = parseUnits("75", 18);
const GAS_MONEY = parseEther("0.005");

await onStage(async ({ signer, address: owner, chain, report }) => {
  await chain.fund(owner, parseEther("0.02"));
  const deployed = await new ContractFactory(artifact.abi, artifact.bytecode, signer).deploy("Example", "EXM", SUPPLY);
  await deployed.waitForDeployment();
  const token = tokenAt(await deployed.getAddress(), signer);
  const balanceOf = (address: string): Promise<bigint> => token.getFunction("balanceOf")(address);
  report.step("token", await token.getAddress());

  const recipient = Wallet.createRandom().address;
  const receipt = await transfer(token, recipient, PAID);
  expectEqual("the transfer's status", receipt.status, 1);
  expectEqual("the recipient's tokens", await balanceOf(recipient), PAID);
  expectEqual("the owner's tokens", await balanceOf(owner), SUPPLY - PAID);
  report.step("transferred", `250 EXM to ${recipient}`);

  // An account that has ETH for the fees; here the owner gives it some.
  const relayer = Wallet.createRandom().connect(chain.provider);
  await (await signer.sendTransaction({ to: relayer.address, value: GAS_MONEY })).wait();
  const sent = await chain.provider.getTransactionCount(owner);
  const relayed = tokenAt(await token.getAddress(), relayer);
  const latest = await chain.provider.getBlock("latest");
  const deadline = BigInt(latest?.timestamp ?? 0) + 3600n;

  const permit = await signPermit(signer, token, relayer.address, ALLOWED, deadline);
  await expectRefusal("a permit for more", relayed, { ...permit, value: ALLOWED + 1n });
  expectEqual("the permit's status", (await handIn(relayed, permit)).status, 1);
  await expectRefusal("the permit, once more", relayed, permit);
  expectEqual("the allowance", await token.getFunction("allowance")(owner, relayer.address), ALLOWED);
  report.step("permit", "handed in by another account, once");

  const taken = await relayed.getFunction("transferFrom")(owner, relayer.address, ALLOWED);
  await taken.wait();
  expectEqual("the relayer's tokens", await balanceOf(relayer.address), ALLOWED);
  expectEqual("the owner's tokens", await balanceOf(owner), SUPPLY - PAID - ALLOWED);
  expectEqual("the rest of the allowance", await token.getFunction("allowance")(owner, relayer.address), 0n);
  expectEqual("the owner's transactions", await chain.provider.getTransactionCount(owner), sent);
  report.step("taken by permit", "75 EXM, without a transaction of the owner");
});

/** By a call, which costs nothing and, unlike an estimate, tells the reason. */
async function expectRefusal(what: string, token: Contract, permit: Permit): Promise<void> {
  const { owner, spender, value, deadline, signature } = permit;
  const { v, r, s } = signature;
  const call = token.getFunction("permit").staticCall(owner, spender, value, deadline, v, r, s);
  const refusal = await call.catch((error: unknown) => error);
  expectEqual(`the answer to ${what}`, isCallException(refusal) && refusal.revert?.name, "PermitInvalid");
}
