import { keccak256, toQuantity } from "ethers";

const BLOCK = {
  number: "0x1",
  hash: keccak256("0x01"),
  parentHash: keccak256("0x"),
  timestamp: "0x1",
  nonce: "0x0000000000000000",
  difficulty: "0x0",
  gasLimit: toQuantity(30_000_000),
  gasUsed: "0x0",
  miner: `0x${"00".repeat(20)}`,
  extraData: "0x",
  baseFeePerGas: toQuantity(10 ** 9),
  transactions: [],
};

type Answer = (params: readonly unknown[]) => unknown;

/** A way to a chain, by EIP-1193, that answers what senders ask before they send, and writes down what is sent. */
export class RecordingChain {
  /** Raw transactions, in hex. */
  readonly sent: string[] = [];
  readonly #answers: Readonly<Record<string, Answer>> = {
    eth_chainId: () => "0x1",
    eth_blockNumber: () => BLOCK.number,
    eth_getBlockByNumber: () => BLOCK,
    eth_getTransactionCount: () => toQuantity(this.sent.length),
    eth_estimateGas: () => toQuantity(21_000),
    eth_gasPrice: () => toQuantity(2 * 10 ** 9),
    eth_maxPriorityFeePerGas: () => toQuantity(10 ** 9),
    eth_getTransactionByHash: () => null,
    eth_sendRawTransaction: ([raw]) => this.#receive(String(raw)),
  };

  async request({ method, params = [] }: { method: string; params?: unknown }): Promise<unknown> {
    const answer = this.#answers[method];
    if (!answer) throw Object.assign(new Error(`${method} is not answered here`), { code: -32601 });
    return answer(params as readonly unknown[]);
  }

  #receive(raw: string): string {
    this.sent.push(raw);
    return keccak256(raw);
  }
}
