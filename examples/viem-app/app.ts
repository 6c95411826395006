import { type Abi, type Chain, createPublicClient, createWalletClient, type Hex, http, type LocalAccount } from "viem";

export interface Contract {
  readonly abi: Abi;
  readonly bytecode: Hex;
}

/** viem's two clients over one node: the wallet client signs with the account, the public one reads. */
export function openClients(account: LocalAccount, chain: Chain, rpcUrl: string) {
  const options = { chain, transport: http(rpcUrl), pollingInterval: 200 };
  return { wallet: createWalletClient({ ...options, account }), reader: createPublicClient(options) };
}

export type Clients = ReturnType<typeof openClients>;

/** Sends ETH, and waits until a block has it. */
export async function pay({ wallet, reader }: Clients, to: Hex, value: bigint) {
  const hash = await wallet.sendTransaction({ to, value });
  return reader.waitForTransactionReceipt({ hash });
}

/** Deploys a contract, and waits until a block has it. */
export async function deploy({ wallet, reader }: Clients, { abi, bytecode }: Contract, args: unknown[]): Promise<Hex> {
  const hash = await wallet.deployContract({ abi, bytecode, args });
  const { contractAddress } = await reader.waitForTransactionReceipt({ hash });
  if (!contractAddress) throw new Error(`${hash} created no contract`);
  return contractAddress;
}
