import { isLive, type NonceView } from "./store.ts";

/** The account's transaction counts, as one node tells them. */
export interface Counts {
  readonly latest: number;
  readonly pending: number;
}

/**
 * The nonce to sign for: the lowest vacant one, else the first one above all that are known.
 *
 * A nonce that has no record and lies below others was another program's. It is vacant `grace` milliseconds after the next higher one
 * was committed, if the node does not show it. So is one where the node refused a transaction because another is pending.
 */
export function findCandidate({ open, now, next, settled }: NonceView, counts: Counts, grace: number): number {
  // A node that lags behind another tells a count that is too low.
  for (let nonce = Math.max(counts.latest, settled); ; nonce += 1) {
    const here = open.filter((record) => record.nonce === nonce);
    if (here.some(({ state }) => isLive(state))) continue;
    if (here.some(({ attempts, updatedAt }) => now - updatedAt < grace && attempts.some(isOccupied))) continue;
    if (nonce >= Math.max(next, counts.pending)) return nonce;
    if (nonce < counts.pending) continue;
    const above = open.find((record) => record.nonce > nonce && isLive(record.state));
    if (here.length > 0 || (above && now - above.createdAt >= grace)) return nonce;
  }
}

function isOccupied({ outcome }: { readonly outcome: string }): boolean {
  return outcome === "occupied";
}
