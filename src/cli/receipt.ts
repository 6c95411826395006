import { setTimeout } from "node:timers/promises";
import type { JsonRpcProvider, TransactionReceipt } from "ethers";
import { ChainError } from "./exit-codes.ts";

const PAUSE_MS = 1_000;

/**
 * The receipt of a transaction that was sent. It asks once a second: ethers waits for the next block before it looks again, which
 * on a node that mines on demand may never come.
 *
 * @throws ChainError, which says that the transaction is out.
 */
export async function waitForReceipt(
  provider: JsonRpcProvider,
  hash: string,
  seconds: number,
): Promise<TransactionReceipt> {
  const end = performance.now() + seconds * 1_000;
  for (;;) {
    const receipt = await receiptOf(provider, hash);
    if (receipt) return receipt;
    if (performance.now() >= end) break;
    await setTimeout(PAUSE_MS);
  }
  throw new ChainError(
    `the transaction ${hash} was sent, but is in no block after ${seconds} seconds: look it up by its hash`,
  );
}

async function receiptOf(provider: JsonRpcProvider, hash: string): Promise<TransactionReceipt | null> {
  try {
    return await provider.getTransactionReceipt(hash);
  } catch {
    // The transaction is out whatever the node says meanwhile: it is asked again until the end.
    return null;
  }
}
