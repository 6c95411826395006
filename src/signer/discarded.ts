import { Transaction } from "ethers";

/** How many signed transactions are remembered: far more than are between a key and a store of nonces at once. */
const MOST = 1_000;

const releases = new Map<string, () => Promise<void>>();

/** Remembers how a signature's holds of limits are released, if it is discarded. */
export function rememberRelease(
  { r, s }: { readonly r: string; readonly s: string },
  release: () => Promise<void>,
): void {
  const [oldest] = releases.keys();
  if (releases.size === MOST && oldest !== undefined) releases.delete(oldest);
  releases.set(r + s, release);
}

/**
 * Says that certainly nothing outside this process ever had a signed transaction, so that limits count it no longer. For the code that counts nonces
 * alone, which signs a send again if its nonce is taken: a caller that could say so could spend without a limit. It never rejects.
 */
export async function discardTransaction(raw: string): Promise<void> {
  const { signature } = Transaction.from(raw);
  const key = signature ? signature.r + signature.s : "";
  const release = releases.get(key);
  releases.delete(key);
  await release?.();
}
