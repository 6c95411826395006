import type { JsonRpcProvider } from "ethers";
import { CommandError } from "./errors.ts";
import { reportOf } from "./failure.ts";

/** What nodes answer if they have the transaction already: geth, Nethermind, Erigon, Besu. */
const KNOWN = /already known|already imported|known transaction/i;

/**
 * Sends a signed transaction.
 *
 * @param hash the transaction's own, which every failure names: whatever the node answers, it may have the transaction.
 * @throws CommandError BROADCAST_REJECTED, BROADCAST_UNKNOWN.
 */
export async function broadcast(provider: JsonRpcProvider, raw: string, hash: string): Promise<void> {
  try {
    // Its result is not used: a node that answers with another hash has the same transaction.
    await provider.send("eth_sendRawTransaction", [raw]);
  } catch (error) {
    if (!isAnswer(error)) {
      const reason = `it is unknown whether ${hash} was sent, since ${reasonOf(error)}`;
      throw new CommandError("BROADCAST_UNKNOWN", reason, "look it up by its hash before you send again", hash);
    }
    const { message } = reportOf(error);
    if (!KNOWN.test(message)) {
      throw new CommandError(
        "BROADCAST_REJECTED",
        `the node refused the transaction ${hash}: ${message}`,
        undefined,
        hash,
      );
    }
  }
}

/** Whether the node answered with an error of JSON-RPC, which ethers adds to its own error. */
function isAnswer(error: unknown): boolean {
  const { error: answer, info } = error as { readonly error?: unknown; readonly info?: { readonly error?: unknown } };
  return answer !== undefined || info?.error !== undefined;
}

function reasonOf(error: unknown): string {
  return error instanceof CommandError ? error.reason : reportOf(error).message;
}
