// What else Hardhat's users do, over Hardhat's own node and over the target: with an account that neither knows.

import assert from "node:assert/strict";
import { network } from "hardhat";

const FRIEND = "0x000000000000000000000000000000000000dEaD";
const FOREIGN = `0x${"11".repeat(20)}`;

for (const [name, prefix] of [
  ["default", "hardhat"],
  ["target", "anvil"],
]) {
  const connection = await network.create(name);
  const { provider, ethers, networkHelpers } = connection;
  const [signer] = await ethers.getSigners();
  const mine = await signer.getAddress();
  const nonce = () => ethers.provider.getTransactionCount(mine);
  assert.deepEqual(await provider.request({ method: "eth_accounts" }), [mine.toLowerCase()]);
  await provider.request({ method: `${prefix}_setBalance`, params: [mine, "0xde0b6b3a7640000"] });
  const before = await nonce();

  const receipt = await (await signer.sendTransaction({ to: mine, value: 1n })).wait();
  assert.deepEqual([receipt.status, receipt.from], [1, mine]);
  assert.equal(ethers.verifyMessage("hello", await signer.signMessage("hello")), mine);

  const transaction = { from: mine, to: mine, value: "0x1" };
  const send = () => provider.request({ method: "eth_sendTransaction", params: [transaction] });
  const hashes = await Promise.all([send(), send(), send()]);
  await Promise.all(hashes.map((hash) => ethers.provider.waitForTransaction(hash)));
  assert.equal(await nonce(), before + 4);

  await checkSnapshots(connection, signer);
  await checkImpersonation(connection, prefix);
  // loadFixture takes Hardhat's own node for granted.
  if (name === "default") await checkFixtures(networkHelpers, ethers, signer);
  await connection.close();
  console.log(`checked over ${name}`);
}

/** What a snapshot takes back, the next transactions do again, with the nonces that are free again. */
async function checkSnapshots({ provider, ethers }, signer) {
  const before = await signer.getNonce();
  for (let round = 0; round < 3; round += 1) {
    const snapshot = await provider.request({ method: "evm_snapshot" });
    for (let count = 0; count < 2; count += 1) {
      const response = await signer.sendTransaction({ to: FRIEND, value: 1n });
      assert.equal(response.nonce, before + count);
      assert.equal((await response.wait()).status, 1);
    }
    assert.equal(await provider.request({ method: "evm_revert", params: [snapshot] }), true);
    assert.equal(await ethers.provider.getTransactionCount(signer), before);
  }
}

/** Accounts that are not ours are the node's. */
async function checkImpersonation({ provider, ethers }, prefix) {
  const sign = { method: "personal_sign", params: ["0x12", FOREIGN] };
  // The node refuses it, not the provider, whose code is 4100.
  await assert.rejects(provider.request(sign), ({ code }) => code !== 4100);
  await provider.request({ method: `${prefix}_setBalance`, params: [FOREIGN, "0xde0b6b3a7640000"] });
  const impersonated = await impersonate(provider, ethers, prefix);
  const receipt = await (await impersonated.sendTransaction({ to: FRIEND, value: 5n })).wait();
  assert.deepEqual([receipt.status, receipt.from, receipt.to], [1, FOREIGN, FRIEND]);
  await provider.request({ method: `${prefix}_stopImpersonatingAccount`, params: [FOREIGN] });
  await assert.rejects(impersonated.sendTransaction({ to: FRIEND, value: 5n }));
}

async function impersonate(provider, ethers, prefix) {
  if (prefix === "hardhat") return ethers.getImpersonatedSigner(FOREIGN);
  await provider.request({ method: `${prefix}_impersonateAccount`, params: [FOREIGN] });
  return ethers.getSigner(FOREIGN);
}

/** A fixture runs once, and its state is restored each time. */
async function checkFixtures({ loadFixture, time }, ethers, signer) {
  let runs = 0;
  async function deployVault() {
    runs += 1;
    const vault = await ethers.deployContract("Vault", ["payroll"], { signer, value: 100n });
    await vault.waitForDeployment();
    return { vault };
  }
  const nonces = [];
  for (let round = 0; round < 3; round += 1) {
    const { vault } = await loadFixture(deployVault);
    nonces.push(await signer.getNonce());
    const withdrawal = await vault.withdraw(FRIEND, 40n);
    assert.equal((await withdrawal.wait()).status, 1);
    assert.equal(await ethers.provider.getBalance(vault), 60n);
    await time.increase(3_600);
    await (await signer.sendTransaction({ to: FRIEND, value: 1n })).wait();
  }
  assert.equal(runs, 1);
  assert.deepEqual(nonces, [nonces[0], nonces[0], nonces[0]]);
}
