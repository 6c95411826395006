import { id, type TransactionRequest, Wallet } from "ethers";
import { memoryNonceStore } from "../../../src/nonces/memory-store.ts";
import { type NonceOptions, type NonceSigner, withNonces } from "../../../src/nonces/nonce-signer.ts";
import type { NonceStore } from "../../../src/nonces/store.ts";
import { RemoteSigner } from "../../../src/signer/remote-signer.ts";
import { MemoryKey } from "../../support/memory-key.ts";
import { FakeChain, type FakeNode, type Words } from "./fake-chain.ts";

export const SECRET = id("the account of the nonce tests");
export const wallet = new Wallet(SECRET);
export const FRIEND = "0x8ba1f109551bD432803012645Ac136ddd64DBA72";

/** One account on a chain with one node. */
export interface World {
  readonly chain: FakeChain;
  readonly node: FakeNode;
  readonly store: NonceStore;
  readonly key: MemoryKey;
  /** Another process: it shares the store and the key, not the queue. */
  process(options?: NonceOptions, node?: FakeNode, store?: NonceStore): NonceSigner;
}

export function createWorld(words?: Words, store: NonceStore = memoryNonceStore()): World {
  const chain = new FakeChain();
  const node = chain.node(words);
  const key = new MemoryKey(SECRET);
  return {
    chain,
    node,
    store,
    key,
    process(options = {}, at = node, shared = store) {
      const signer = new RemoteSigner(key, at.provider());
      return withNonces(signer, separate(shared), { timeout: 2_000, ...options });
    },
  };
}

/** The same store as another object: what processes share is the store alone. */
export function separate(store: NonceStore): NonceStore {
  return {
    read: (...parameters) => store.read(...parameters),
    commit: (...parameters) => store.commit(...parameters),
    attempt: (...parameters) => store.attempt(...parameters),
    mark: (...parameters) => store.mark(...parameters),
    turn: (...parameters) => store.turn(...parameters),
    prune: (...parameters) => store.prune(...parameters),
  };
}

/** A payment of so many wei, repeatable under its key. */
export function payment(wei: number, idempotencyKey?: string): TransactionRequest {
  const customData = idempotencyKey === undefined ? {} : { customData: { idempotencyKey } };
  return { to: FRIEND, value: BigInt(wei), ...customData };
}

/** What a send that must fail rejects with. */
export async function failureOf(
  call: Promise<unknown>,
): Promise<{ code: string; info: Record<string, unknown>; message: string; retryable?: boolean }> {
  const outcome = await call.then(
    (result) => ({ result }),
    (error: unknown) => error,
  );
  if (outcome instanceof Error) return outcome as never;
  throw new Error("expected a failure");
}
