// A viem application whose account's key is in a KMS or an HSM: it sends, deploys, writes, reads and signs. It exits
// with 1 if the chain says anything else.
//
//   npx tsx examples/viem-app/main.ts [--backend pkcs11|cloudhsm|aws-kms|azure-key-vault] [--key KEY] [--rpc URL]

import { parseEther, Wallet } from "ethers";
import { toViemAccount } from "ethers-hsm/viem";
import { type Abi, defineChain, type Hex, verifyTypedData } from "viem";
import { expectEqual } from "../demo/report.ts";
import artifact from "../erc20/permit-token.json" with { type: "json" };
import { onStage } from "../support/stage.ts";
import { deploy, openClients, pay } from "./app.ts";

const VALUE = parseEther("0.0003");

await onStage(async ({ signer, address, chain, report }) => {
  await chain.fund(address, parseEther("0.02"));
  const account = await toViemAccount(signer);
  expectEqual("the account", account.address, address);
  const network = defineChain({
    id: Number(chain.chainId),
    name: "the node's chain",
    nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 },
    rpcUrls: { default: { http: [chain.url] } },
  });
  const clients = openClients(account, network, chain.url);

  const friend = Wallet.createRandom().address as Hex;
  const paid = await pay(clients, friend, VALUE);
  expectEqual("the payment's status", paid.status, "success");
  expectEqual("the payment's type", paid.type, "eip1559");
  expectEqual("the payment's sender", paid.from, address.toLowerCase());
  expectEqual("the friend's balance", await clients.reader.getBalance({ address: friend }), VALUE);
  report.step("paid", paid.transactionHash);

  const [abi, bytecode] = [artifact.abi as Abi, artifact.bytecode as Hex];
  const token = { address: await deploy(clients, { abi, bytecode }, ["Example", "EXM", 1_000n]), abi };
  const hash = await clients.wallet.writeContract({ ...token, functionName: "transfer", args: [friend, 40n] });
  const written = await clients.reader.waitForTransactionReceipt({ hash });
  expectEqual("the transfer's status", written.status, "success");
  const tokens = await clients.reader.readContract({ ...token, functionName: "balanceOf", args: [friend] });
  expectEqual("the friend's tokens", tokens, 40n);
  report.step("contract", `${token.address}: deployed, written, read`);

  const order = {
    domain: { name: "Orders", version: "1", chainId: network.id, verifyingContract: token.address },
    types: {
      Order: [
        { name: "to", type: "address" },
        { name: "amount", type: "uint256" },
      ],
    },
    primaryType: "Order",
    message: { to: friend, amount: 40n },
  } as const;
  const signature = await clients.wallet.signTypedData(order);
  expectEqual(
    "whether the order's signature is the account's",
    await verifyTypedData({ ...order, address: account.address, signature }),
    true,
  );
  report.step("typed data", "signed, and verified by viem");
});
