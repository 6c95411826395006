import { id as hashText, hexlify, randomBytes, toQuantity } from "ethers";
import { isSignerError } from "../core/errors.ts";
import type { Accounts } from "./accounts.ts";
import { type Call, callsStatus, type ParsedCalls, parseCalls, type Receipt } from "./call-batch.ts";
import { invalidParams, ProviderRpcError, providerError, RPC_CODES } from "./errors.ts";
import { parseAddress, parseArray, parseQuantity } from "./rpc-params.ts";
import type { Transactions } from "./transactions.ts";
import type { Upstream } from "./upstream.ts";

/** A batch, and what became of it. */
interface Batch {
  readonly chainId: bigint;
  readonly size: number;
  readonly hashes: string[];
  /** Whether every call was handed to a node. */
  isComplete: boolean;
}

const MAX_BATCHES = 1_000;

/**
 * Batches of calls (EIP-5792) from accounts that are plain keys: one transaction for each call, in order. Only a batch of one
 * call is atomic. The thousand newest batches are remembered, in memory alone; with a nonce store, the id and the position of a call are
 * its idempotency key, so that the same request finishes a batch that another process began.
 */
export class Calls {
  readonly #upstream: Upstream;
  readonly #accounts: Accounts;
  readonly #transactions: Transactions;
  readonly #batches = new Map<string, Batch>();

  constructor(upstream: Upstream, accounts: Accounts, transactions: Transactions) {
    this.#upstream = upstream;
    this.#accounts = accounts;
    this.#transactions = transactions;
  }

  /** wallet_getCapabilities [address, chainIds?]: no atomic batches, on the one chain that there is. */
  async capabilities([address, chains]: readonly unknown[]): Promise<Record<string, unknown>> {
    await this.#accounts.signer(parseAddress(address, "the address"));
    const asked =
      chains == null ? undefined : parseArray(chains, "the chains").map((each) => parseQuantity(each, "a chain"));
    const chainId = await this.#upstream.chainId();
    if (asked && !asked.includes(chainId)) return {};
    return { [toQuantity(chainId)]: { atomic: { status: "unsupported" } } };
  }

  /**
   * wallet_sendCalls: returns when the last call was handed to the node. If a call cannot be sent, those after it are not sent
   * either: a failure of the first is the request's, a later one shows in the status. What may have reached a node is listed.
   */
  async send([parameter]: readonly unknown[]): Promise<{ id: string }> {
    const request = parseCalls(parameter);
    const from = request.from ?? (await this.#accounts.first());
    await this.#accounts.signer(from);
    const chainId = await this.#upstream.chainId();
    if (request.chainId !== chainId) {
      throw new ProviderRpcError(RPC_CODES.unsupportedChain, `the provider is on chain ${chainId} alone`);
    }
    const id = request.id ?? hexlify(randomBytes(32));
    const batch = this.#open(id, { chainId, size: request.calls.length, hashes: [], isComplete: false });
    await this.#sendAll(id, batch, from, request);
    return { id };
  }

  /** wallet_getCallsStatus [id]. */
  async status([id]: readonly unknown[]): Promise<Record<string, unknown>> {
    if (typeof id !== "string") throw invalidParams("the id must be a string");
    const batch = this.#batches.get(id);
    if (!batch) throw new ProviderRpcError(RPC_CODES.unknownBundle, "no batch has this id");
    const receipts = await Promise.all(batch.hashes.map((hash) => this.#receipt(hash)));
    return {
      version: "2.0.0",
      id,
      chainId: toQuantity(batch.chainId),
      atomic: batch.size === 1,
      ...callsStatus(receipts, batch.size),
    };
  }

  async #receipt(hash: string): Promise<Receipt | null> {
    const receipt = await this.#upstream.request("eth_getTransactionReceipt", [hash]);
    if (receipt === null || Array.isArray((receipt as Partial<Receipt>).logs)) return receipt as Receipt | null;
    throw new ProviderRpcError(RPC_CODES.internal, `the upstream's answer is not the receipt of ${hash}`);
  }

  #open(id: string, batch: Batch): Batch {
    const known = this.#batches.get(id);
    if (known && (known.isComplete || !this.#transactions.hasKeys))
      throw new ProviderRpcError(RPC_CODES.duplicateId, "there is a batch with this id already");
    this.#batches.set(id, batch);
    const [oldest] = this.#batches.keys();
    if (this.#batches.size > MAX_BATCHES && oldest !== undefined) this.#batches.delete(oldest);
    return batch;
  }

  async #sendAll(id: string, batch: Batch, from: string, { calls, id: given }: ParsedCalls): Promise<void> {
    const { hashes, chainId } = batch;
    for (const [index, call] of calls.entries()) {
      const key = given === undefined ? undefined : `eip5792 ${hashText(given)} ${index}`;
      try {
        hashes.push(await this.#sendOne({ ...call, from, chainId: toQuantity(chainId) }, index, key));
      } catch (error) {
        if (isSignerError(error, "IDEMPOTENCY_CONFLICT")) {
          const message = "a batch with this id has other calls, or one of them was cancelled";
          throw new ProviderRpcError(RPC_CODES.duplicateId, message, { cause: error });
        }
        const { code, data } = providerError(error);
        const hash = Object(data).transactionHash;
        if (hashes.length > 0 && code === RPC_CODES.disconnected && typeof hash === "string") hashes.push(hash);
        if (hashes.length > 0) return;
        this.#batches.delete(id);
        throw error;
      }
    }
    batch.isComplete = true;
  }

  async #sendOne(
    transaction: Call & { readonly from: string; readonly chainId: string },
    index: number,
    key: string | undefined,
  ): Promise<string> {
    const known = key === undefined ? undefined : await this.#transactions.resume(transaction, key);
    if (known !== undefined) return known;
    const { chainId: _, ...call } = transaction;
    const gas = index > 0 ? await this.#estimate(call) : {};
    return this.#transactions.send({ ...transaction, ...gas }, key);
  }

  /** What a later call needs depends on the earlier ones, which are pending. */
  async #estimate(call: Call & { from: string }): Promise<{ gas: string }> {
    return { gas: toQuantity(await this.#upstream.quantity("eth_estimateGas", [call, "pending"])) };
  }
}
