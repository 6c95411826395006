import { type JsonRpcProvider, toQuantity } from "ethers";
import type { AccountDirectory } from "ethers-hsm";
import { createProvider, type Eip1193Provider } from "ethers-hsm/eip1193";

export interface Payment {
  readonly from: string;
  readonly to: string;
  /** Wei. */
  readonly value: bigint;
}

/** All accounts of the directory behind one provider. Make one for a chain, and share it: it gives out the nonces. */
export function openAccounts(directory: AccountDirectory, node: JsonRpcProvider): Eip1193Provider {
  return createProvider({ accounts: directory, provider: node });
}

/**
 * Sends each payment from the account that it names, all at once, and answers with the transactions' hashes in their
 * order.
 */
export async function pay(accounts: Eip1193Provider, payments: readonly Payment[]): Promise<string[]> {
  const hashes = payments.map(({ from, to, value }) => {
    return accounts.request({ method: "eth_sendTransaction", params: [{ from, to, value: toQuantity(value) }] });
  });
  return (await Promise.all(hashes)) as string[];
}
