// Deploys the vault by the first account. Run it by: npx hardhat run scripts/deploy.js --network target

import { network } from "hardhat";

const { ethers } = await network.create();
const [deployer] = await ethers.getSigners();
const vault = await ethers.deployContract("Vault", ["payroll"], {
  signer: deployer,
  value: ethers.parseEther("0.002"),
});
await vault.waitForDeployment();
console.log(`deployed ${await vault.getAddress()} by ${await deployer.getAddress()}`);
