import { setTimeout } from "node:timers/promises";
import type { JsonRpcProvider, TransactionReceipt } from "ethers";
import { CommandError } from "./errors.ts";

const PAUSE_MS = 1_000;

/**
 * The receipt of a transaction that was sent. It asks once a second: ethers waits for the next block before it looks again, which
 * may never come on a node that mines on demand.
 *
 * @throws CommandError NOT_MINED with the hash: after `seconds`, or as soon as the node does not respond any more.
 */
export async function waitForReceipt(
  provider: JsonRpcProvider,
  hash: string,
  seconds: number,
): Promise<TransactionReceipt> {
  const end = performance.now() + seconds * 1_000;
  for (;;) {
    try {
      const receipt = await provider.getTransactionReceipt(hash);
      if (receipt) return receipt;
    } catch (error) {
      // Other failures pass: the transaction is out, whatever the node answers meanwhile.
      const isSilent = error instanceof CommandError && error.code === "NODE_UNREACHABLE";
      if (isSilent) throw notMined(hash, `was sent, but then ${error.reason}`);
    }
    if (performance.now() >= end) throw notMined(hash, `was sent, but is in no block after ${seconds} seconds`);
    await setTimeout(PAUSE_MS);
  }
}

function notMined(hash: string, what: string): CommandError {
  return new CommandError("NOT_MINED", `the transaction ${hash} ${what}`, "look it up by its hash", hash);
}
