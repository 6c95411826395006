import type { NonceStore } from "../../nonces/store.ts";
import { withDeadline } from "../../signer/deadline.ts";
import { ContractFailure } from "../contract/expectation.ts";
import type { ContractCase } from "../contract/remote-key-contract.ts";
import { commits } from "./commits.ts";
import { marks } from "./marks.ts";
import type { StoreRequirement } from "./requirement.ts";
import { turns } from "./turns.ts";

/** What the contract needs of the store under test. */
export interface NonceStoreContractOptions {
  /** The longest that one case may take, in milliseconds. Default: 30,000. */
  readonly timeout?: number | undefined;
}

/**
 * What every {@link NonceStore} must do: `withNonces` relies on this.
 *
 * Each case uses an account of its own, and opens two stores, as two processes would: both must see the same records. It does not
 * show what a store loses when its machine fails.
 *
 * @param open a store over the same data each time; the case does not close it.
 * @example
 * for (const { name, run } of nonceStoreContract(() => new MyStore(options))) test(name, run);
 */
export function nonceStoreContract(
  open: () => NonceStore | Promise<NonceStore>,
  { timeout = 30_000 }: NonceStoreContractOptions = {},
): readonly ContractCase[] {
  const requirements: Readonly<Record<string, StoreRequirement>> = { ...commits, ...marks, ...turns };
  return Object.entries(requirements).map(([name, requirement]) => ({
    name,
    run: () => {
      const error = () => new ContractFailure(`"${name}" did not end within ${timeout} ms`);
      return withDeadline(() => runWith(open, requirement), { deadline: { ms: timeout, error } });
    },
  }));
}

async function runWith(open: () => NonceStore | Promise<NonceStore>, requirement: StoreRequirement): Promise<void> {
  const bytes = crypto.getRandomValues(new Uint8Array(20));
  const address = `0x${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
  const [store, other] = [await open(), await open()];
  await requirement({ store, other, account: { chainId: 1n, address } });
}
