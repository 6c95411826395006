// A web3.js application whose account's key is in a KMS or an HSM: it sends, deploys, writes, reads and signs. It exits
// with 1 if the chain says anything else.
//
//   npx tsx examples/web3js-app/main.ts [--backend pkcs11|cloudhsm|aws-kms|azure-key-vault] [--key KEY] [--rpc URL]

import { parseEther, verifyMessage, Wallet } from "ethers";
import type { ContractAbi } from "web3";
import { expectEqual } from "../demo/report.ts";
import artifact from "../erc20/permit-token.json" with { type: "json" };
import { onStage } from "../support/stage.ts";
import { deploy, openWeb3, pay } from "./app.ts";

const VALUE = parseEther("0.0003");

await onStage(async ({ signer, address, chain, report }) => {
  await chain.fund(address, parseEther("0.02"));
  const web3 = openWeb3([signer], chain.provider);
  expectEqual("the accounts", (await web3.eth.getAccounts()).join(), address);

  const friend = Wallet.createRandom().address;
  const paid = await pay(web3, address, friend, VALUE);
  expectEqual("the payment's status", paid.status, 1n);
  expectEqual("the payment's sender", paid.from, address.toLowerCase());
  expectEqual("the friend's balance", await web3.eth.getBalance(friend), VALUE);
  report.step("paid", `${paid.transactionHash}`);

  const token = await deploy(web3, address, artifact.abi as ContractAbi, artifact.bytecode, ["Example", "EXM", 1_000n]);
  const { transfer, balanceOf } = token.methods;
  if (!transfer || !balanceOf) throw new Error("the token's ABI lacks transfer or balanceOf");
  const written = await transfer(friend, 40n).send({ from: address });
  expectEqual("the transfer's status", written.status, 1n);
  expectEqual("the friend's tokens", await balanceOf(friend).call(), 40n);
  report.step("contract", `${token.options.address}: deployed, written, read`);

  const signature = await web3.eth.personal.sign("an order", address, "");
  expectEqual("the message's signer", verifyMessage("an order", signature), address);
  report.step("message", "signed, and verified");
});
