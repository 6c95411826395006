import { formatEther, type JsonRpcProvider } from "ethers";
import { connect } from "../rpc.ts";
import type { Outcome, Walk } from "./walk.ts";

const NAMES: Readonly<Record<string, string>> = {
  "1": "Ethereum mainnet",
  "11155111": "Sepolia",
  "17000": "Holesky",
  "560048": "Hoodi",
};
const OLD_SECONDS = 600;

/** The node: its chain and newest block, and what it says of the account. */
export async function examineChain(walk: Walk, url: string, address: Outcome<string>): Promise<void> {
  let provider: JsonRpcProvider | undefined;
  try {
    const node = await walk.step("node", [], async () => {
      provider = await connect(url);
      const { chainId } = await provider.getNetwork();
      const block = await provider.getBlock("latest");
      const age = block === null ? undefined : Math.round(Date.now() / 1_000) - block.timestamp;
      const name = NAMES[chainId.toString()];
      return {
        detail: `chain ${chainId}${name ? ` (${name})` : ""}, block ${block?.number ?? "none"}`,
        warning:
          age !== undefined && age > OLD_SECONDS && name !== undefined
            ? `its newest block is ${age} seconds old: wait until the node has caught up, or take another`
            : undefined,
        facts: { chainId, blockNumber: block?.number ?? null, blockAgeSeconds: age ?? null },
        value: provider,
      };
    });
    await walk.step("balance and nonce", [node, address], async (connected, account) => {
      const balance = await connected.getBalance(account);
      const [nonce, pending] = [
        await connected.getTransactionCount(account),
        await connected.getTransactionCount(account, "pending"),
      ];
      const waiting = pending > nonce ? `${pending - nonce} of its transactions wait in the pool` : undefined;
      const empty = balance === 0n ? "the account cannot pay for gas: send it some ether" : undefined;
      return {
        detail: `${formatEther(balance)} ether, nonce ${nonce}`,
        warning: [empty, waiting].filter((each) => each !== undefined).join("; ") || undefined,
        facts: { balanceWei: balance, nonce, pendingNonce: pending },
        value: undefined,
      };
    });
  } finally {
    provider?.destroy();
  }
}
