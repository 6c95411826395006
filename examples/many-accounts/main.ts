// Pays from many accounts of one store, each payment by the `from` that it names, all at once. It exits with 1 if the
// chain says anything else.
//
//   npx tsx examples/many-accounts/main.ts [--backend pkcs11|cloudhsm|aws-kms|azure-key-vault]

import { parseEther, Wallet } from "ethers";
import { expectEqual } from "../demo/report.ts";
import { withKeys } from "../support/many-keys.ts";
import { openAccounts, pay } from "./accounts.ts";

const NAMES = ["payouts-1", "payouts-2", "payouts-3", "payouts-4"];
const PER_ACCOUNT = 3;
const VALUE = parseEther("0.01");

await withKeys(NAMES, async ({ directory, chain, report }) => {
  const { provider } = chain;
  for (const { address, name } of await directory.list()) {
    await chain.fund(address, parseEther("1"));
    report.step(name ?? "no name", address);
  }
  const addresses = await directory.accounts();
  expectEqual("the number of accounts", addresses.length, NAMES.length);

  const payments = addresses.flatMap((from) => {
    return Array.from({ length: PER_ACCOUNT }, () => ({ from, to: Wallet.createRandom().address, value: VALUE }));
  });
  const accounts = openAccounts(directory, provider);
  const hashes = await pay(accounts, payments);
  report.step("sent", `${hashes.length} payments at once`);

  for (const [index, { from, to }] of payments.entries()) {
    const hash = hashes[index] ?? "";
    const receipt = await provider.waitForTransaction(hash, 1, 30_000);
    expectEqual(`the status of ${hash}`, receipt?.status, 1);
    expectEqual(`the sender of ${hash}`, receipt?.from, from);
    expectEqual(`the balance of ${to}`, await provider.getBalance(to), VALUE);
  }
  for (const address of addresses) {
    expectEqual(`the transactions of ${address}`, await provider.getTransactionCount(address), PER_ACCOUNT);
  }
  report.step("mined", `all, ${PER_ACCOUNT} of each account`);

  const foreign = { from: Wallet.createRandom().address, to: addresses[0] ?? "", value: 1n };
  const refusal = await pay(accounts, [foreign]).catch((error: unknown) => error);
  expectEqual("the code for an account that is not among them", (refusal as { code?: number }).code, 4100);
  report.step("an unknown from", "refused");
});
