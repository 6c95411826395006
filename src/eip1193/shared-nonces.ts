import { BrowserProvider, Network, type Signer, type TransactionLike } from "ethers";
import { withNonces } from "../nonces/nonce-signer.ts";
import type { NonceStore } from "../nonces/store.ts";
import type { Upstream } from "./upstream.ts";

/** Sends transactions whose nonces a store counts, which other processes share. */
export class SharedNonces {
  readonly #upstream: Upstream;
  readonly #store: NonceStore;
  readonly #timeout: number;

  constructor(upstream: Upstream, store: NonceStore, timeout: number) {
    this.#upstream = upstream;
    this.#store = store;
    this.#timeout = timeout;
  }

  /** @param transaction lacks its nonce alone. @returns its hash. */
  async send(signer: Signer, chainId: bigint, transaction: TransactionLike<string>): Promise<string> {
    const request = async ({ method, params }: { method: string; params?: unknown[] | Record<string, unknown> }) =>
      this.#upstream.request(method, params as unknown[]);
    const network = new Network("upstream", chainId);
    const provider = new BrowserProvider({ request }, network, { staticNetwork: network, cacheTimeout: -1 });
    try {
      const sender = withNonces(signer.connect(provider), this.#store, { timeout: this.#timeout });
      return (await sender.sendTransaction(transaction)).hash;
    } finally {
      provider.destroy();
    }
  }
}
