import type { JsonRpcProvider, Signer } from "ethers";
import { createProvider } from "ethers-hsm/eip1193";
import { type ContractAbi, Web3 } from "web3";

/** web3.js over accounts whose keys live elsewhere: every `from` of them is signed for in this process. */
export function openWeb3(accounts: readonly Signer[], node: JsonRpcProvider): Web3 {
  // web3.js declares a provider's type more narrowly than EIP-1193 does.
  const web3 = new Web3(createProvider({ accounts, provider: node }) as never);
  web3.transactionPollingInterval = 200;
  return web3;
}

/** Sends ETH, and waits until a block has it. */
export async function pay(web3: Web3, from: string, to: string, wei: bigint) {
  return web3.eth.sendTransaction({ from, to, value: wei.toString() });
}

/** Deploys a contract, and waits until a block has it. */
export async function deploy(web3: Web3, from: string, abi: ContractAbi, bytecode: string, args: readonly unknown[]) {
  return new web3.eth.Contract(abi).deploy({ data: bytecode, arguments: args as never }).send({ from });
}
