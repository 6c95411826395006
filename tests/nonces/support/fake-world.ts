import { Transaction } from "ethers";
import { memoryNonceStore } from "../../../src/nonces/memory-store.ts";
import type { NonceStore } from "../../../src/nonces/store.ts";
import { type FakeNode, WORDS } from "./fake-chain.ts";
import type { ModelWorld } from "./model.ts";
import { createWorld, SECRET } from "./world.ts";

/** The model's account on a fake chain, whose first node speaks as `client` does. */
export function fakeWorld(client: string, store: NonceStore = memoryNonceStore(), timeout = 150): ModelWorld {
  const { chain, node, key, process } = createWorld(WORDS[client], store);
  return {
    ...{ chainId: 99n, secret: SECRET, key, timeout },
    nodes: [node, chain.node()],
    process: (at, options) => process(options, at as FakeNode),
    mine: async () => chain.mine(),
    mineRaw: async (raw) => chain.mineRaw(raw),
    reorg: async (areLost) => chain.reorg(1, areLost),
    drop: async () => node.pool.clear(),
    mined: async () => chain.mined.map(({ raw }) => Transaction.from(raw)),
  };
}
