import { JsonRpcApiProvider, type JsonRpcPayload, type JsonRpcResult, Network, Transaction, toQuantity } from "ethers";

const CHAIN_ID = 99n;
const network = new Network("fake", CHAIN_ID);

interface Mined {
  readonly raw: string;
  readonly hash: string;
  readonly nonce: number;
  readonly from: string;
}

/** The words in which one client refuses. */
export interface Words {
  readonly known: string;
  readonly low: string;
  readonly underpriced: string;
  readonly high: string;
  readonly funds: string;
}

export const WORDS: Readonly<Record<string, Words>> = {
  geth: {
    known: "already known",
    low: "nonce too low: next nonce 7, tx nonce 3",
    underpriced: "replacement transaction underpriced",
    high: "nonce too high",
    funds: "insufficient funds for gas * price + value: balance 0, tx cost 21000, overshot 21000",
  },
  nethermind: {
    known: "AlreadyKnown",
    low: "OldNonce, Current nonce: 7, nonce of rejected tx: 3",
    underpriced: "ReplacementNotAllowed",
    high: "NonceGap, Future nonce. Expected nonce: 3",
    funds: "InsufficientFunds, Account balance: 0, cumulative cost: 21000",
  },
  besu: {
    known: "Known transaction",
    low: "Nonce too low",
    underpriced: "Replacement transaction underpriced",
    high: "Nonce too high",
    funds: "Upfront cost exceeds account balance",
  },
  erigon: {
    known: "ALREADY_EXISTS: already known",
    low: "INTERNAL_ERROR: nonce too low",
    underpriced: "INTERNAL_ERROR: could not replace existing tx",
    high: "INTERNAL_ERROR: nonce too high",
    funds: "INTERNAL_ERROR: insufficient funds for gas * price + value",
  },
  reth: {
    known: "already known",
    low: "nonce too low: next nonce 7, tx nonce 3",
    underpriced: "replacement transaction underpriced",
    high: "nonce too high",
    funds: "insufficient funds for gas * price + value: have 0 want 21000",
  },
  arbitrum: {
    known: "already known",
    low: "nonce too low: address 0x8ba1f109551bD432803012645Ac136ddd64DBA72, tx: 3 state: 7",
    underpriced: "replacement transaction underpriced",
    high: "nonce too high: address 0x8ba1f109551bD432803012645Ac136ddd64DBA72, tx: 7 state: 3",
    funds: "insufficient funds for gas * price + value: address 0x00 have 0 want 21000",
  },
  anvil: {
    known: "transaction already imported",
    low: "nonce too low",
    underpriced: "replacement transaction underpriced",
    high: "nonce too high",
    funds: "Insufficient funds for gas * price + value",
  },
  hardhat: {
    known: "Known transaction: 0x00",
    low: "Nonce too low. Expected nonce to be 7 but got 3.",
    underpriced: "Replacement transaction underpriced. A gasPrice/maxFeePerGas of at least 1 is necessary",
    high: "Nonce too high. Expected nonce to be 3 but got 7. Note that transactions can't be queued when automining.",
    funds: "Sender doesn't have enough funds to send tx. The max upfront cost is: 1",
  },
};

/** A chain of blocks, and the nodes that know it. Blocks come when the test says so. */
export class FakeChain {
  readonly blocks: Mined[][] = [];
  readonly nodes: FakeNode[] = [];

  node(words: Words | undefined = WORDS["geth"]): FakeNode {
    if (!words) throw new Error("no such words");
    const node = new FakeNode(this, words);
    this.nodes.push(node);
    return node;
  }

  get mined(): readonly Mined[] {
    return this.blocks.flat();
  }

  /** A block with everything that some pool can execute. */
  mine(): void {
    const block: Mined[] = [];
    this.blocks.push(block);
    for (let isFound = true; isFound; ) {
      isFound = false;
      for (const { pool } of this.nodes) {
        for (const each of pool.values()) {
          const count = this.mined.filter(({ from }) => from === each.from).length;
          if (each.nonce !== count) continue;
          block.push(each);
          isFound = true;
        }
      }
    }
    this.#clean();
  }

  /** Mines these bytes, whatever the pools hold. */
  mineRaw(raw: string): void {
    this.blocks.push([decode(raw)]);
    this.#clean();
  }

  /** Takes back the last blocks; their transactions go to the first node's pool, unless they are lost. */
  reorg(depth: number, areLost = false): void {
    for (const each of this.blocks.splice(-depth).flat()) if (!areLost) this.nodes[0]?.pool.set(each.hash, each);
  }

  #clean(): void {
    for (const { pool } of this.nodes) {
      for (const { hash, nonce, from } of pool.values()) {
        if (nonce < this.mined.filter((each) => each.from === from).length) pool.delete(hash);
      }
    }
  }
}

/** What becomes of a broadcast. */
export type Fate = "answer" | "lose-request" | "lose-answer" | "refuse-funds" | "http-500";

/** One node: it has a pool of its own, raises fees by 10 % as clients do, and may lag, lose and refuse. */
export class FakeNode {
  readonly pool = new Map<string, Mined & { readonly price?: bigint }>();
  readonly broadcasts: string[] = [];
  readonly asked: string[] = [];
  /** What becomes of the next broadcasts, one each; then they are answered. */
  readonly fates: Fate[] = [];
  /** Whether transactions ahead of their turn are held. */
  hasQueue = true;
  /** Blocks that it does not know yet. */
  lag = 0;
  code = "0x";
  readonly #chain: FakeChain;
  readonly #words: Words;

  constructor(chain: FakeChain, words: Words) {
    this.#chain = chain;
    this.#words = words;
  }

  /** An ethers provider over it, without caches. */
  provider(): FakeProvider {
    return new FakeProvider(this);
  }

  answer(method: string, params: readonly unknown[]): unknown {
    this.asked.push(method);
    const blocks = this.#chain.blocks.slice(0, this.#chain.blocks.length - this.lag);
    const mined = blocks.flat();
    switch (method) {
      case "eth_chainId":
        return toQuantity(CHAIN_ID);
      case "eth_blockNumber":
        return toQuantity(blocks.length);
      case "eth_getBlockByNumber":
        return params[0] === "finalized" ? block(Math.max(0, blocks.length - 10)) : block(blocks.length);
      case "eth_gasPrice":
      case "eth_maxPriorityFeePerGas":
        return toQuantity(1_000_000_000n);
      case "eth_estimateGas":
        return toQuantity(21_000n);
      case "eth_getCode":
        return this.code;
      case "eth_getTransactionCount": {
        let count = mined.filter(({ from }) => from === String(params[0]).toLowerCase()).length;
        const pooled = [...this.pool.values()].filter(({ from }) => from === String(params[0]).toLowerCase());
        if (params[1] === "pending") while (pooled.some(({ nonce }) => nonce === count)) count += 1;
        return toQuantity(count);
      }
      case "eth_getTransactionByHash": {
        const found = this.pool.get(String(params[0])) ?? mined.find(({ hash }) => hash === params[0]);
        return found ? transaction(found.raw) : null;
      }
      case "eth_getTransactionReceipt": {
        const at = blocks.findIndex((each) => each.some(({ hash }) => hash === params[0]));
        return at < 0 ? null : receipt(String(params[0]), at + 1);
      }
      case "eth_sendRawTransaction":
        return this.#take(String(params[0]), mined);
      default:
        throw rpcError(-32601, `the method ${method} does not exist`);
    }
  }

  #take(raw: string, mined: readonly Mined[]): string {
    this.broadcasts.push(raw);
    const fate = this.fates.shift() ?? "answer";
    if (fate === "lose-request") throw new Error("socket hang up");
    if (fate === "refuse-funds") throw rpcError(-32000, this.#words.funds);
    if (fate === "http-500") throw rpcError(-32603, "Internal error");
    const { hash, nonce, from, price } = decode(raw);
    const count = mined.filter((each) => each.from === from).length;
    const same = [...this.pool.values()].find((each) => each.nonce === nonce && each.from === from);
    if (same?.hash === hash) throw rpcError(-32000, this.#words.known);
    if (nonce < count) throw rpcError(-32000, this.#words.low);
    if (same && 10n * price < 11n * (same.price ?? 0n)) throw rpcError(-32000, this.#words.underpriced);
    const isNext = nonce === count || [...this.pool.values()].some((each) => each.nonce === nonce - 1);
    if (!this.hasQueue && !isNext) throw rpcError(-32000, this.#words.high);
    if (same) this.pool.delete(same.hash);
    this.pool.set(hash, { raw, hash, nonce, from, price });
    if (fate === "lose-answer") throw new Error("socket hang up");
    return hash;
  }
}

/** A node's provider: errors reach ethers as they come from a real node. */
export class FakeProvider extends JsonRpcApiProvider {
  readonly #node: FakeNode;

  constructor(node: FakeNode) {
    super(network, { staticNetwork: network, cacheTimeout: -1, batchMaxCount: 1, pollingInterval: 10 });
    this.#node = node;
    this._start();
  }

  override async _send(payload: JsonRpcPayload | Array<JsonRpcPayload>): Promise<Array<JsonRpcResult>> {
    const [{ id, method, params }] = [payload].flat() as [JsonRpcPayload];
    try {
      return [{ id, result: this.#node.answer(method, params as readonly unknown[]) }];
    } catch (error) {
      if ((error as { code?: unknown }).code === undefined) throw error;
      return [{ id, error } as never];
    }
  }
}

function rpcError(code: number, message: string): Error {
  return Object.assign(new Error(message), { code, message });
}

function decode(raw: string): Mined & { readonly price: bigint } {
  const { hash, nonce, from, maxFeePerGas, gasPrice } = Transaction.from(raw);
  return { raw, hash: String(hash), nonce, from: String(from).toLowerCase(), price: maxFeePerGas ?? gasPrice ?? 0n };
}

function block(number: number): unknown {
  const hash = `0x${number.toString(16).padStart(64, "0")}`;
  const zero = `0x${"00".repeat(32)}`;
  const fields = {
    parentHash: zero,
    nonce: "0x0000000000000000",
    difficulty: "0x0",
    gasLimit: "0x1c9c380",
    gasUsed: "0x0",
  };
  const rest = { miner: `0x${"00".repeat(20)}`, extraData: "0x", baseFeePerGas: "0x3b9aca00", transactions: [] };
  return { hash, number: toQuantity(number), timestamp: toQuantity(number), ...fields, ...rest };
}

function transaction(raw: string): unknown {
  const { hash, from, to, nonce, data, value, gasLimit, chainId, type, signature, ...fees } = Transaction.from(raw);
  const { maxFeePerGas, maxPriorityFeePerGas, accessList } = { ...fees, ...Transaction.from(raw).toJSON() };
  const quantities = { nonce, value, gas: gasLimit, chainId, type: type ?? 0, v: signature?.yParity ?? 0 };
  const numbers = Object.fromEntries(Object.entries(quantities).map(([name, number]) => [name, toQuantity(number)]));
  const prices = { gasPrice: toQuantity(maxFeePerGas ?? 0n), maxFeePerGas, maxPriorityFeePerGas };
  const { r, s } = signature ?? {};
  return { hash, from, to, input: data, blockHash: null, blockNumber: null, accessList, ...numbers, ...prices, r, s };
}

function receipt(hash: string, number: number): unknown {
  const address = `0x${"00".repeat(20)}`;
  const gas = { cumulativeGasUsed: "0x5208", gasUsed: "0x5208", effectiveGasPrice: "0x3b9aca00" };
  const place = {
    blockHash: `0x${number.toString(16).padStart(64, "0")}`,
    blockNumber: toQuantity(number),
    transactionIndex: "0x0",
  };
  const rest = {
    from: address,
    to: address,
    contractAddress: null,
    logs: [],
    logsBloom: "0x",
    status: "0x1",
    type: "0x2",
  };
  return { transactionHash: hash, ...gas, ...place, ...rest };
}
