import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { ContractFactory, type Signer } from "ethers";

const packages = new URL("../../node_modules/", import.meta.url);

/**
 * Deploys a contract from what its authors' compiler wrote, and waits until it is mined.
 *
 * @param artifact its path in node_modules
 * @returns its address
 */
export async function deploy(deployer: Signer, artifact: string, ...args: unknown[]): Promise<`0x${string}`> {
  const { abi, bytecode } = JSON.parse(readFileSync(fileURLToPath(new URL(artifact, packages)), "utf8"));
  const contract = await new ContractFactory(abi, bytecode, deployer).deploy(...args);
  await contract.waitForDeployment();
  return (await contract.getAddress()) as `0x${string}`;
}
