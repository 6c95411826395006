import { makeError, type Provider, Transaction, type TransactionReceipt, TransactionResponse } from "ethers";
import { withDeadline } from "../signer/deadline.ts";
import type { Counts } from "./candidate.ts";
import { readVerdict, type Verdict } from "./wording.ts";

/** A node's response to a signed transaction. */
export interface Response {
  readonly verdict: Verdict;
  /** The node's words, if it refused. */
  readonly text: string | undefined;
}

/** Blocks until a block is final, for nodes that do not know. */
const DEPTH = 64;

/** What is asked of the chain about one account. Every call ends after `timeout` milliseconds. */
export class Chain {
  readonly #provider: Provider;
  readonly #timeout: number;

  constructor(provider: Provider, timeout: number) {
    this.#provider = provider;
    this.#timeout = timeout;
  }

  async id(): Promise<bigint> {
    return (await this.#ask(() => this.#provider.getNetwork())).chainId;
  }

  async counts(address: string): Promise<Counts> {
    const count = (block: string) => this.#ask(() => this.#provider.getTransactionCount(address, block));
    const [latest, pending] = await Promise.all([count("latest"), count("pending")]);
    return { latest, pending };
  }

  /** Whether the account runs a contract's code (EIP-7702): pools then hold one transaction of it. */
  async isDelegated(address: string): Promise<boolean> {
    return (await this.#ask(() => this.#provider.getCode(address))).startsWith("0xef0100");
  }

  /** Sends the bytes. In every doubt the node is asked whether it has them. It never rejects. */
  async broadcast({ hash, raw }: { readonly hash: string; readonly raw: string }): Promise<Response> {
    try {
      await this.#ask(() => this.#provider.broadcastTransaction(raw));
      return { verdict: "has-it", text: undefined };
    } catch (error) {
      const response = readVerdict(error);
      if (response.verdict === "has-it" || (await this.knows(hash).catch(() => false))) {
        return { verdict: "has-it", text: undefined };
      }
      return response;
    }
  }

  /** Whether the node has this transaction, pending or mined. */
  async knows(hash: string): Promise<boolean> {
    return (await this.#ask(() => this.#provider.getTransaction(hash))) !== null;
  }

  async receipt(hash: string): Promise<TransactionReceipt | null> {
    return this.#ask(() => this.#provider.getTransactionReceipt(hash));
  }

  /** The number of the last block that is final. */
  async finalizedBlock(): Promise<number> {
    const final = await this.#ask(() => this.#provider.getBlock("finalized")).catch(() => null);
    return final?.number ?? (await this.#ask(() => this.#provider.getBlockNumber())) - DEPTH;
  }

  async fees(): Promise<{ readonly gasPrice: bigint; readonly maxFee: bigint; readonly tip: bigint }> {
    const fees = await this.#ask(() => this.#provider.getFeeData());
    return { gasPrice: fees.gasPrice ?? 0n, maxFee: fees.maxFeePerGas ?? 0n, tip: fees.maxPriorityFeePerGas ?? 0n };
  }

  /** What ethers' sendTransaction returns, for bytes that a node has. */
  async response(raw: string): Promise<TransactionResponse> {
    const transaction = Transaction.from(raw);
    const { to, nonce, data, value, chainId, gasLimit, accessList, authorizationList } = transaction;
    const { type, from, hash, signature, gasPrice, maxFeePerGas } = transaction;
    if (type === null || from === null || hash === null || signature === null) throw new Error("it is not signed");
    const { maxPriorityFeePerGas, maxFeePerBlobGas, blobVersionedHashes } = transaction;
    const fees = { gasPrice: gasPrice ?? maxFeePerGas ?? 0n, maxFeePerGas, maxPriorityFeePerGas, maxFeePerBlobGas };
    const content = { type, to, from, nonce, data, value, chainId, gasLimit, signature, hash, ...fees };
    const lists = { accessList, blobVersionedHashes, authorizationList };
    const place = { blockNumber: null, blockHash: null, index: 0 };
    const response = new TransactionResponse({ ...content, ...lists, ...place }, this.#provider);
    // Without it, `wait()` does not notice a replacement.
    const start = await this.#ask(() => this.#provider.getBlockNumber()).catch(() => undefined);
    return start === undefined ? response : response.replaceableTransaction(start);
  }

  async #ask<T>(call: () => Promise<T>): Promise<T> {
    const error = () =>
      makeError("the node did not respond in time", "TIMEOUT", { operation: "request", reason: "timeout" });
    return withDeadline(call, { deadline: { ms: this.#timeout, error } });
  }
}
