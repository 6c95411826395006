// What else Hardhat's users do, over Hardhat's own node and over the target: with an account that neither knows.

import assert from "node:assert/strict";
import { network } from "hardhat";

for (const [name, setBalance] of [
  ["default", "hardhat_setBalance"],
  ["target", "anvil_setBalance"],
]) {
  const connection = await network.create(name);
  const { provider, ethers } = connection;
  const [signer] = await ethers.getSigners();
  const mine = await signer.getAddress();
  assert.deepEqual(await provider.request({ method: "eth_accounts" }), [mine.toLowerCase()]);
  await provider.request({ method: setBalance, params: [mine, "0xde0b6b3a7640000"] });
  const before = await ethers.provider.getTransactionCount(mine);

  const receipt = await (await signer.sendTransaction({ to: mine, value: 1n })).wait();
  assert.deepEqual([receipt.status, receipt.from], [1, mine]);
  assert.equal(ethers.verifyMessage("hello", await signer.signMessage("hello")), mine);

  const transaction = { from: mine, to: mine, value: "0x1" };
  const send = () => provider.request({ method: "eth_sendTransaction", params: [transaction] });
  const hashes = await Promise.all([send(), send(), send()]);
  await Promise.all(hashes.map((hash) => ethers.provider.waitForTransaction(hash)));
  assert.equal(await ethers.provider.getTransactionCount(mine), before + 4);

  const stranger = { method: "personal_sign", params: ["0x12", `0x${"11".repeat(20)}`] };
  await assert.rejects(provider.request(stranger), { code: 4100 });
  await connection.close();
  console.log(`checked over ${name}`);
}
