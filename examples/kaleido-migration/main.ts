// A program that pays through a hosted wallet's URL moves to a key of your own: the same program runs twice, and only
// its URL differs. It exits with 1 if the chain says anything else.
//
//   npx tsx examples/kaleido-migration/main.ts [--backend pkcs11|cloudhsm|aws-kms|azure-key-vault] [--key KEY]
//
// In place of the hosted wallet it has a node that holds keys of its own, which is what a client sees of both.

import { randomBytes } from "node:crypto";
import { fileURLToPath } from "node:url";
import { parseEther, Wallet } from "ethers";
import { createProvider } from "ethers-hsm/eip1193";
import { expectEqual } from "../demo/report.ts";
import { Program } from "../support/program.ts";
import { onStage } from "../support/stage.ts";
import { WalletEndpoint } from "./wallet-endpoint.ts";

const PAYOUT = fileURLToPath(new URL("payout.ts", import.meta.url));
const VALUE = parseEther("0.75");

await onStage(async ({ signer, address, chain, report }) => {
  if (!chain.isLocal) throw new Error("this example needs the local node, which holds keys: leave out --rpc");
  await chain.fund(address, parseEther("10"));
  const { provider } = chain;

  const payOut = async (walletUrl: string) => {
    const recipient = Wallet.createRandom().address;
    const program = new Program(PAYOUT, [recipient, `${VALUE}`], { WALLET_URL: walletUrl });
    const { from, status, transactionHash } = JSON.parse(await program.line());
    expectEqual("the program's exit code", await program.end(), 0);
    expectEqual("the receipt's status", status, "0x1");
    expectEqual("the recipient's balance", await provider.getBalance(recipient), VALUE);
    return { from, transactionHash };
  };

  const hosted = chain.url.replace("://", "://u0user:u0password@");
  const before = await payOut(hosted);
  report.step("hosted wallet", `${before.from} paid, ${before.transactionHash}`);

  const [username, password] = ["payouts", randomBytes(32).toString("hex")];
  const accounts = createProvider({ accounts: [signer], provider });
  const endpoint = await WalletEndpoint.start({ provider: accounts, username, password });
  try {
    const own = `http://${username}:${password}@127.0.0.1:${endpoint.port}`;
    const after = await payOut(own);
    expectEqual("the payer", after.from, address.toLowerCase());
    report.step("own key", `${after.from} paid, ${after.transactionHash}`);

    const url = `http://127.0.0.1:${endpoint.port}`;
    const request = {
      method: "POST",
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "eth_accounts", params: [] }),
    };
    expectEqual("without the password", (await fetch(url, request)).status, 401);
    expectEqual("the transactions", await provider.getTransactionCount(address), 1);
    report.step("unknown users", "refused");
  } finally {
    await endpoint.close();
  }
});
