import { formatEther, type JsonRpcProvider } from "ethers";
import { chainName, describeChain } from "../chains.ts";
import { connect, fromNode } from "../rpc.ts";
import type { CheckContext } from "./check-context.ts";
import type { Outcome } from "./checks.ts";

const OLD_SECONDS = 600;

/** The node: its chain and newest block, and what it reports of the account. */
export async function checkChain(
  { checks, timeout }: Pick<CheckContext, "checks" | "timeout">,
  url: string,
  address: Outcome<string>,
): Promise<void> {
  let provider: JsonRpcProvider | undefined;
  try {
    const node = await checks.step("node", [], async () => {
      const connected = await connect(url, timeout);
      provider = connected;
      const { chainId } = await connected.getNetwork();
      const block = await fromNode("block", () => connected.getBlock("latest"));
      const age = block === null ? undefined : Math.round(Date.now() / 1_000) - block.timestamp;
      return {
        detail: `${describeChain(chainId)}, block ${block?.number ?? "none"}`,
        warning:
          age !== undefined && age > OLD_SECONDS && chainName(chainId) !== undefined
            ? `its newest block is ${age} seconds old: wait until the node has caught up, or take another`
            : undefined,
        facts: { chainId, blockNumber: block?.number ?? null, blockAgeSeconds: age ?? null },
        value: connected,
      };
    });
    await checks.step("balance and nonce", [node, address], async (connected, account) => {
      const [balance, nonce, pending] = await fromNode("balance and nonce", () =>
        Promise.all([
          connected.getBalance(account),
          connected.getTransactionCount(account),
          connected.getTransactionCount(account, "pending"),
        ]),
      );
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
