import type { AccountNonces } from "./account-nonces.ts";
import type { Chain } from "./chain.ts";
import type { NonceRecord, NonceStore } from "./store.ts";

export interface ReconcileContext {
  readonly store: NonceStore;
  readonly chain: Chain;
  readonly nonces: AccountNonces;
  readonly grace: number;
}

/** As many records are looked up together. */
const AT_ONCE = 20;

/**
 * Brings the records and the chain together, lowest nonce first: what was mined, superseded, or made final; what a reorg took back;
 * what no node has any more is broadcast again, byte for byte, if it did not change for the grace period, or `now`.
 */
export async function reconcile({ chain, nonces, grace }: ReconcileContext, now = false): Promise<void> {
  const [view, { latest }, finalized] = await Promise.all([
    nonces.read({ mined: true }),
    chain.counts(nonces.account.address),
    chain.finalizedBlock(),
  ]);
  const mined = view.open.filter(({ state }) => state === "mined");
  const reopened = await checkMined(chain, nonces, mined, finalized);
  const waiting = [...view.open.filter(({ state }) => state !== "mined"), ...reopened];
  const used = waiting.filter(({ nonce }) => nonce < latest);
  // Other processes do the same: the less time it takes, the fewer records change meanwhile.
  while (used.length > 0) await Promise.all(used.splice(0, AT_ONCE).map((record) => nonces.settle(record)));
  const unused = waiting.filter(({ nonce }) => nonce >= latest).sort((one, other) => one.nonce - other.nonce);
  for (const record of unused) {
    const isOld = now || view.now - record.updatedAt >= grace;
    if (record.state === "signed" && isOld) await nonces.offer(record);
    else if (record.state === "accepted" && isOld && !(await isKnown(chain, record))) await nonces.offer(record);
  }
}

/**
 * Makes final what is, and returns the records whose receipt is gone. The highest one that is still there shows that those below are, which
 * are looked at again when they become final.
 */
async function checkMined(
  chain: Chain,
  nonces: AccountNonces,
  mined: readonly NonceRecord[],
  finalized: number,
): Promise<NonceRecord[]> {
  const [kept, reopened]: [NonceRecord[], NonceRecord[]] = [[...mined], []];
  const receiptOf = ({ minedHash }: NonceRecord) => (minedHash === null ? null : chain.receipt(minedHash));
  for (let last = kept.at(-1); last && (await receiptOf(last)) === null; last = kept.at(-1)) {
    reopened.push(await nonces.reopen(last));
    kept.pop();
  }
  for (const record of kept) {
    const receipt = await receiptOf(record);
    if (receipt === null) reopened.push(await nonces.reopen(record));
    else if (receipt.blockNumber <= finalized) await nonces.finalize(record);
    else break;
  }
  return reopened;
}

async function isKnown(chain: Chain, { attempts }: NonceRecord): Promise<boolean> {
  const last = attempts.at(-1);
  return last !== undefined && chain.knows(last.hash);
}
