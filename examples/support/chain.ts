import { formatEther, JsonRpcProvider } from "ethers";
import { startAnvil } from "../../tests/support/anvil.ts";

/** The chain that an example runs on. */
export interface Chain {
  readonly url: string;
  readonly chainId: bigint;
  /** Ends with the chain. */
  readonly provider: JsonRpcProvider;
  /** Whether it is a local node that this process started, and that mines at once. */
  readonly isLocal: boolean;
  /**
   * Gives `address` as much on the local chain. On another it checks that it has that much.
   *
   * @throws Error with what to send, where it has less.
   */
  fund(address: string, wei: bigint): Promise<void>;
  close(): Promise<void>;
}

/** The chain behind a node's URL, or a local one of this run alone. */
export async function openChain(url: string | undefined): Promise<Chain> {
  return url === undefined ? openLocalChain() : openOtherChain(url);
}

async function openLocalChain(): Promise<Chain> {
  const { url, chainId, provider, fund, stop } = await startAnvil();
  return { url, chainId, provider: provider(), isLocal: true, fund, close: stop };
}

async function openOtherChain(url: string): Promise<Chain> {
  const provider = new JsonRpcProvider(url, undefined, { staticNetwork: true, cacheTimeout: -1 });
  const { chainId } = await provider.getNetwork();
  if (chainId === 1n) {
    provider.destroy();
    throw new Error(
      "the examples send transactions without asking, and so refuse mainnet: pass --rpc of a test network",
    );
  }
  return {
    url,
    chainId,
    provider,
    isLocal: false,
    async fund(address, wei) {
      const balance = await provider.getBalance(address);
      if (balance >= wei) return;
      throw new Error(
        `${address} has ${formatEther(balance)} ETH: send ${formatEther(wei - balance)} to it, then run again`,
      );
    },
    async close() {
      provider.destroy();
    },
  };
}
