// Sends ETH in an EIP-1559 transaction, waits for it, and shows the receipt. It exits with 1 if the chain says anything
// else.
//
//   npx tsx examples/send-eth/main.ts [--backend pkcs11|cloudhsm|aws-kms|azure-key-vault] [--key KEY] [--rpc URL]

import { formatEther, formatUnits, parseEther, Transaction, Wallet } from "ethers";
import { expectEqual } from "../demo/report.ts";
import { onStage } from "../support/stage.ts";
import { sendEth } from "./send-eth.ts";

const VALUE = parseEther("0.0015");

await onStage(async ({ signer, address, chain, report }) => {
  await chain.fund(address, parseEther("0.01"));
  const { provider } = chain;
  const recipient = Wallet.createRandom().address;
  const before = await provider.getBalance(address);

  const receipt = await sendEth(signer, recipient, VALUE);
  report.step("transaction", receipt.hash);
  report.step("mined in block", `${receipt.blockNumber}, for ${receipt.gasUsed} gas`);
  report.step("gas price", `${formatUnits(receipt.gasPrice, "gwei")} gwei`);
  expectEqual("the receipt's status", receipt.status, 1);
  expectEqual("the receipt's type", receipt.type, 2);
  expectEqual("the receipt's sender", receipt.from, address);

  const mined = await provider.getTransaction(receipt.hash);
  expectEqual("the sender recovered from the mined transaction", mined && Transaction.from(mined).from, address);
  expectEqual("the recipient's balance", await provider.getBalance(recipient), VALUE);
  expectEqual("the sender's balance", await provider.getBalance(address), before - VALUE - receipt.fee);
  report.step("sent", `${formatEther(VALUE)} ETH to ${recipient}, and ${formatEther(receipt.fee)} ETH in fees`);
});
