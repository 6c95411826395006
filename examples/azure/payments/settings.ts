import { assertArgument, getAddress, parseEther, parseUnits } from "ethers";

/** What is fixed where the function is deployed. No request can change it. */
export interface Settings {
  /** Every signature is for this chain alone (EIP-155). */
  readonly chainId: bigint;
  /** Without it nothing can be sent, and every request brings its own fees. */
  readonly rpcUrl: string | undefined;
  /** Wei per gas: no transaction offers more. */
  readonly maxFeePerGas: bigint;
  /** Wei: no transaction pays more. */
  readonly maxAmount: bigint | undefined;
  /** The account. A key of another one signs nothing. */
  readonly expectedAddress: string | undefined;
}

/**
 * Reads CHAIN_ID, MAX_FEE_GWEI and, where they are set, RPC_URL, MAX_AMOUNT_ETHER and EXPECTED_ADDRESS.
 *
 * @throws ethers' INVALID_ARGUMENT, which names the variable.
 */
export function readSettings(env: Readonly<Record<string, string | undefined>>): Settings {
  const chainId = env["CHAIN_ID"] ?? "";
  assertArgument(/^[1-9]\d*$/.test(chainId), "CHAIN_ID must be a chain's number, such as 1", "CHAIN_ID", chainId);
  const rpcUrl = env["RPC_URL"] || undefined;
  // A provider's URL often holds its key.
  assertArgument(rpcUrl === undefined || /^https?:/.test(rpcUrl), "RPC_URL must be a URL", "RPC_URL", "[REDACTED]");
  const maxAmount = env["MAX_AMOUNT_ETHER"] || undefined;
  const expectedAddress = env["EXPECTED_ADDRESS"] || undefined;
  return {
    chainId: BigInt(chainId),
    rpcUrl,
    maxFeePerGas: parseUnits(env["MAX_FEE_GWEI"] || "100", "gwei"),
    maxAmount: maxAmount === undefined ? undefined : parseEther(maxAmount),
    expectedAddress: expectedAddress === undefined ? undefined : getAddress(expectedAddress),
  };
}
