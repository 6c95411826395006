import type { AccountNonces } from "./account-nonces.ts";
import type { Chain } from "./chain.ts";
import type { NonceRecord, NonceStore } from "./store.ts";

export interface ReconcileContext {
  readonly store: NonceStore;
  readonly chain: Chain;
  readonly nonces: AccountNonces;
  readonly grace: number;
}

/**
 * Brings the records and the chain together, lowest nonce first: what was mined, superseded, or made final; what a reorg took back;
 * what no node has any more is broadcast again, byte for byte, if it did not change for the grace period, or `now`.
 */
export async function reconcile({ chain, nonces, grace }: ReconcileContext, now = false): Promise<void> {
  const [view, { latest }, finalized] = await Promise.all([
    nonces.read(),
    chain.counts(nonces.account.address),
    chain.finalizedBlock(),
  ]);
  for (const record of view.open) {
    const isOld = now || view.now - record.updatedAt >= grace;
    const current = record.state === "mined" ? await checkMined(chain, nonces, record, finalized) : record;
    if (current.state === "mined" || current.state === "final") continue;
    if (current.nonce < latest) await nonces.settle(current);
    else if (current.state === "signed" && isOld) await nonces.offer(current);
    else if (current.state === "accepted" && isOld && !(await isKnown(chain, current))) await nonces.offer(current);
  }
}

async function checkMined(
  chain: Chain,
  nonces: AccountNonces,
  record: NonceRecord,
  finalized: number,
): Promise<NonceRecord> {
  const receipt = record.minedHash === null ? null : await chain.receipt(record.minedHash);
  if (receipt === null) return nonces.reopen(record);
  return receipt.blockNumber <= finalized ? nonces.finalize(record) : record;
}

async function isKnown(chain: Chain, { attempts }: NonceRecord): Promise<boolean> {
  const last = attempts.at(-1);
  return last !== undefined && chain.knows(last.hash);
}
