import {
  type BaseContract,
  ContractFactory,
  getCreateAddress,
  type InterfaceAbi,
  type Overrides,
  type Signer,
} from "ethers";

/** What a compiler gives: solc, Hardhat's artifacts, Foundry's out/ (there the bytecode is `bytecode.object`). */
export interface Artifact {
  readonly abi: InterfaceAbi;
  /** With 0x: what creates the contract, without the constructor's arguments. */
  readonly bytecode: string;
}

/** Where the signer's next contract will be, as long as it sends nothing else before. */
export async function nextContractAddress(signer: Signer): Promise<string> {
  return getCreateAddress({ from: await signer.getAddress(), nonce: await signer.getNonce("pending") });
}

/**
 * Deploys a contract, and waits until a block has it.
 *
 * @param args the constructor's arguments; last, where wanted, `{ value }` and other overrides.
 */
export async function deploy(
  signer: Signer,
  artifact: Artifact,
  args: readonly (unknown | Overrides)[],
): Promise<BaseContract> {
  const factory = new ContractFactory(artifact.abi, artifact.bytecode, signer);
  return (await factory.deploy(...args)).waitForDeployment();
}
