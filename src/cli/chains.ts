interface Chain {
  readonly name?: string;
  /** Its currency has no value, so nothing is asked before a transaction is signed for it. */
  readonly isTest?: boolean;
}

// https://chainlist.org
const CHAINS: Readonly<Record<string, Chain>> = {
  "1": { name: "Ethereum mainnet" },
  "5": { name: "Goerli", isTest: true },
  "10": { name: "OP Mainnet" },
  "56": { name: "BNB Smart Chain" },
  "97": { name: "BNB Smart Chain testnet", isTest: true },
  "100": { name: "Gnosis" },
  "137": { name: "Polygon" },
  "1337": { isTest: true },
  "8453": { name: "Base" },
  "17000": { name: "Holesky", isTest: true },
  "31337": { isTest: true },
  "42161": { name: "Arbitrum One" },
  "42220": { name: "Celo" },
  "43113": { name: "Avalanche Fuji", isTest: true },
  "43114": { name: "Avalanche C-Chain" },
  "59144": { name: "Linea" },
  "80002": { name: "Polygon Amoy", isTest: true },
  "84532": { name: "Base Sepolia", isTest: true },
  "421614": { name: "Arbitrum Sepolia", isTest: true },
  "534352": { name: "Scroll" },
  "560048": { name: "Hoodi", isTest: true },
  "11155111": { name: "Sepolia", isTest: true },
  "11155420": { name: "OP Sepolia", isTest: true },
};

export function isTestChain(chainId: bigint): boolean {
  return CHAINS[chainId.toString()]?.isTest === true;
}

/** Undefined for chains that are not in the table, and for development chains. */
export function chainName(chainId: bigint): string | undefined {
  return CHAINS[chainId.toString()]?.name;
}

/** `chain 1 (Ethereum mainnet)`. */
export function describeChain(chainId: bigint): string {
  const name = chainName(chainId);
  return `chain ${chainId}${name === undefined ? "" : ` (${name})`}`;
}
