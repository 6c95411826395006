import { BrowserProvider, Network, type Signer, type TransactionRequest } from "ethers";
import { type NonceSigner, withNonces } from "../nonces/nonce-signer.ts";
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
  async send(signer: Signer, chainId: bigint, transaction: TransactionRequest, key?: string): Promise<string> {
    const request = withKey(transaction, key);
    return this.#use(signer, chainId, async (sender) => (await sender.sendTransaction(request)).hash);
  }

  /** @returns the hash of the transaction that has this key; undefined if there is none. It signs nothing. */
  async resume(
    signer: Signer,
    chainId: bigint,
    transaction: TransactionRequest,
    key: string,
  ): Promise<string | undefined> {
    const request = withKey(transaction, key);
    return this.#use(signer, chainId, async (sender) => (await sender.resume(request))?.hash);
  }

  async #use<T>(signer: Signer, chainId: bigint, call: (sender: NonceSigner) => Promise<T>): Promise<T> {
    const request = async ({ method, params }: { method: string; params?: unknown[] | Record<string, unknown> }) =>
      this.#upstream.request(method, params as unknown[]);
    const network = new Network("upstream", chainId);
    const provider = new BrowserProvider({ request }, network, { staticNetwork: network, cacheTimeout: -1 });
    try {
      return await call(withNonces(signer.connect(provider), this.#store, { timeout: this.#timeout }));
    } finally {
      provider.destroy();
    }
  }
}

function withKey(transaction: TransactionRequest, key: string | undefined): TransactionRequest {
  return key === undefined ? transaction : { ...transaction, customData: { idempotencyKey: key } };
}
