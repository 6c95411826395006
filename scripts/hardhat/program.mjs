// Runs in Hardhat's project: what its users do, with an account that Hardhat does not know.

import assert from "node:assert/strict";
import { id, Wallet } from "ethers";

const { default: hre } = await import(process.argv[2] ?? "");
const mine = new Wallet(id("hardhat")).address;

for (const [name, setBalance] of [
  ["default", "hardhat_setBalance"],
  ["anvil", "anvil_setBalance"],
]) {
  const connection = await hre.network.create(name);
  const { provider, ethers } = connection;
  assert.deepEqual(await provider.request({ method: "eth_accounts" }), [mine.toLowerCase()]);
  await provider.request({ method: setBalance, params: [mine, "0xde0b6b3a7640000"] });

  const [signer] = await ethers.getSigners();
  assert.equal(await signer.getAddress(), mine);
  const receipt = await (await signer.sendTransaction({ to: mine, value: 1n })).wait();
  assert.deepEqual([receipt.status, receipt.from], [1, mine]);
  assert.equal(ethers.verifyMessage("hello", await signer.signMessage("hello")), mine);

  const transaction = { from: mine, to: mine, value: "0x1" };
  const send = () => provider.request({ method: "eth_sendTransaction", params: [transaction] });
  await Promise.all([send(), send(), send()]);
  assert.equal(await ethers.provider.getTransactionCount(mine), 4);

  const stranger = { method: "personal_sign", params: ["0x12", `0x${"11".repeat(20)}`] };
  await assert.rejects(provider.request(stranger), { code: 4100 });
  await connection.close();
  console.log(`Hardhat over ${name}: ok`);
}
