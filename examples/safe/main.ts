// Two of three owners, whose keys are in a KMS or an HSM, sign a Safe transaction: one by EIP-712, one as a message. A
// contract that checks owners' signatures as a Safe does executes it. It exits with 1 if the chain says anything else.
//
//   npx tsx examples/safe/main.ts [--backend pkcs11|cloudhsm|aws-kms|azure-key-vault]

import {
  type Contract,
  ContractFactory,
  type ContractTransactionResponse,
  isCallException,
  parseEther,
  Wallet,
} from "ethers";
import { expectEqual } from "../demo/report.ts";
import { withKeys } from "../support/many-keys.ts";
import artifact from "./owners-account.json" with { type: "json" };
import * as safeApp from "./safe.ts";

const VALUE = parseEther("0.3");

await withKeys(["safe-alice", "safe-bob", "safe-carol"], async ({ directory, chain, report }) => {
  const { provider, chainId } = chain;
  const owners = await directory.accounts();
  const [alice, bob, carol] = await Promise.all(owners.map((owner) => directory.getSigner(owner, provider)));
  if (!alice || !bob || !carol) throw new Error("the store has fewer than three keys");

  // Anybody may hand in what the owners signed, and pays the fees.
  const executor = Wallet.createRandom().connect(provider);
  await chain.fund(executor.address, parseEther("10"));
  const factory = new ContractFactory(artifact.abi, artifact.bytecode, executor);
  const account = (await (await factory.deploy(owners, 2, { value: parseEther("1") })).waitForDeployment()) as Contract;
  const safe = await account.getAddress();
  report.step("account of 2 of 3", safe);

  const recipient = Wallet.createRandom().address;
  const transaction = safeApp.safeCall(recipient, VALUE, "0x", await account.getFunction("nonce")());
  const domain = safeApp.safeDomain(safe, chainId);
  const hash = safeApp.safeTransactionHash(domain, transaction);
  expectEqual(
    "the hash in the contract",
    await account.getFunction("getTransactionHash")(...Object.values(transaction)),
    hash,
  );
  const byAlice = await safeApp.signSafeTransaction(alice, domain, transaction);
  const byBob = await safeApp.signSafeTransactionAsMessage(bob, domain, transaction);
  report.step("signed", "by one as EIP-712, by one as a message");

  const { nonce: _, ...call } = transaction;
  const execute = account.getFunction("execTransaction");
  const args = (...signatures: safeApp.OwnerSignature[]) => [
    ...Object.values(call),
    safeApp.joinSignatures(signatures),
  ];
  const byAnother = await safeApp.signSafeTransaction(executor, domain, transaction);
  const other = await safeApp.signSafeTransaction(carol, domain, { ...transaction, value: VALUE + 1n });
  for (const [what, signatures, reason] of [
    ["one signature", [byAlice], "SignaturesMissing"],
    ["the same twice", [byAlice, byAlice], "SignatureInvalid"],
    ["of a key that is not an owner's", [byAlice, byAnother], "SignatureInvalid"],
    ["one for another sum", [byAlice, other], "SignatureInvalid"],
  ] as const) {
    const refusal = await execute.staticCall(...args(...signatures)).catch((error: unknown) => error);
    expectEqual(`the answer to ${what}`, isCallException(refusal) && refusal.revert?.name, reason);
  }
  report.step("refused", "one alone, one twice, one of another key, one for another sum");

  const response: ContractTransactionResponse = await execute(...args(byAlice, byBob));
  const receipt = await response.wait();
  expectEqual("the status", receipt?.status, 1);
  expectEqual("the recipient's balance", await provider.getBalance(recipient), VALUE);
  expectEqual("the account's balance", await provider.getBalance(safe), parseEther("1") - VALUE);
  expectEqual("the account's nonce", await account.getFunction("nonce")(), 1n);
  const [event] = receipt?.logs.map((log) => account.interface.parseLog(log)) ?? [];
  expectEqual("the hash in the event", event?.args["txHash"], hash);
  report.step("executed", response.hash);
});
