import { id, JsonRpcProvider, Network, parseEther, Transaction, toQuantity, Wallet } from "ethers";
import { memoryNonceStore } from "../../../src/nonces/memory-store.ts";
import { withNonces } from "../../../src/nonces/nonce-signer.ts";
import { RemoteSigner } from "../../../src/signer/remote-signer.ts";
import type { Anvil } from "../../support/anvil.ts";
import { MemoryKey } from "../../support/memory-key.ts";
import { WORDS, type Words } from "./fake-chain.ts";
import type { ModelWorld } from "./model.ts";
import { NodeProxy } from "./node-proxy.ts";
import { separate } from "./world.ts";

let accounts = 0;

/** The model's account on anvil, behind two proxies, of which the first speaks as `client` does. */
export async function anvilWorld(anvil: Anvil, client: string): Promise<ModelWorld & { close(): Promise<void> }> {
  accounts += 1;
  const secret = id(`history ${accounts}`);
  const { address } = new Wallet(secret);
  const admin = anvil.provider();
  const first = await NodeProxy.start(anvil.url, WORDS[client] as Words);
  const second = await first.another();
  await admin.send("evm_setAutomine", [false]);
  await anvil.fund(address, parseEther("10"));
  await admin.send("evm_mine", []);
  // Blocks that are taken back must not be those in which it got its funds.
  await admin.send("evm_mine", []);
  const start = await admin.getBlockNumber();
  const key = new MemoryKey(secret);
  const store = memoryNonceStore();
  const network = new Network("anvil", anvil.chainId);
  const providers: JsonRpcProvider[] = [];
  const sendRaw = (raw: string) => admin.send("eth_sendRawTransaction", [raw]).catch(() => {});

  /** The account's in a block, as they were sent. */
  async function transactionsOf(block: number): Promise<Transaction[]> {
    const { transactions } = (await admin.send("eth_getBlockByNumber", [toQuantity(block), true])) as {
      transactions: { hash: string; from: string }[];
    };
    const own = transactions.filter(({ from }) => from.toLowerCase() === address.toLowerCase());
    const raws = await Promise.all(own.map(({ hash }) => admin.send("eth_getRawTransactionByHash", [hash])));
    return raws.map((raw: string) => Transaction.from(raw));
  }

  return {
    ...{ chainId: anvil.chainId, secret, key, timeout: 1_000, nodes: [first, second] },
    process(node, options) {
      const { url } = node as NodeProxy;
      const provider = new JsonRpcProvider(url, network, { staticNetwork: network, cacheTimeout: -1 });
      providers.push(provider);
      return withNonces(new RemoteSigner(key, provider), separate(store), options);
    },
    async mine() {
      await admin.send("evm_mine", []);
    },
    async mineRaw(raw) {
      await admin.send("anvil_dropAllTransactions", []);
      await sendRaw(raw);
      await admin.send("evm_mine", []);
    },
    async reorg(areLost) {
      const last = await transactionsOf(await admin.getBlockNumber());
      await admin.send("anvil_reorg", [1, []]);
      if (!areLost) for (const { serialized } of last) await sendRaw(serialized);
    },
    async drop() {
      await admin.send("anvil_dropAllTransactions", []);
    },
    async mined() {
      const blocks = Array.from({ length: (await admin.getBlockNumber()) - start }, (_, index) => start + index + 1);
      return (await Promise.all(blocks.map(transactionsOf))).flat();
    },
    async close() {
      for (const provider of [...providers, admin]) provider.destroy();
      await first.close();
      await second.close();
    },
  };
}
