import { keccak256, Transaction } from "ethers";

type Answer = (params: readonly unknown[]) => unknown;

/** A node whose answers the test decides: a number of transactions that grows with each one that is sent. */
export class FakeNode {
  /** Each may be replaced; what it throws is the node's error. */
  readonly answers: Record<string, Answer> = {
    eth_chainId: () => "0x1",
    eth_getBlockByNumber: () => ({ baseFeePerGas: "0x3b9aca00" }),
    eth_maxPriorityFeePerGas: () => "0x3b9aca00",
    eth_estimateGas: () => "0x5208",
    eth_getTransactionCount: () => this.sent.length,
    eth_getTransactionByHash: () => null,
    eth_sendRawTransaction: ([raw]) => {
      this.sent.push(Transaction.from(String(raw)));
      return keccak256(String(raw));
    },
  };
  readonly asked: { readonly method: string; readonly params: readonly unknown[] }[] = [];
  readonly sent: Transaction[] = [];

  readonly request = async ({ method, params }: { method: string; params: readonly unknown[] }): Promise<unknown> => {
    this.asked.push({ method, params });
    const answer = this.answers[method];
    if (answer) return answer(params);
    throw Object.assign(new Error(`the method ${method} does not exist`), { code: -32601 });
  };

  get methods(): string[] {
    return this.asked.map(({ method }) => method);
  }
}

/** A promise, and the function that fulfils it. */
export function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

/** A node's own error. */
export function nodeError(message: string, code = -32000): Error {
  return Object.assign(new Error(message), { code });
}
