import { keccak256, type Signer, Transaction, type TransactionLike, type TransactionRequest, toQuantity } from "ethers";
import type { Accounts } from "./accounts.ts";
import type { Connection } from "./connection.ts";
import { NonceLedger } from "./nonce-ledger.ts";
import { ProviderRpcError, RPC_CODES } from "./rpc-error.ts";
import { signerFailure, upstreamFailure } from "./rpc-failure.ts";
import { SendLine } from "./send-line.ts";
import { describeTransaction } from "./signed-transaction.ts";
import { type ParsedTransaction, parseTransaction, toEthersRequest } from "./transaction-request.ts";

/** A transaction that lacks nothing but its nonce. */
interface Prepared {
  readonly ledger: NonceLedger;
  sign(nonce: number): Promise<string>;
}

/**
 * Transactions of the provider's accounts: filled in by ethers, signed here, sent raw.
 *
 * Of one account, they are broadcast one at a time in the order in which they were asked for, each with the lowest nonce that
 * is free at that moment. So nonces are consecutive, and one that fails leaves no gap: the ones behind it move up. They are
 * filled in and signed side by side meanwhile; one that moves up is signed again.
 */
export class Transactions {
  readonly #connection: Connection;
  readonly #accounts: Accounts;
  readonly #lines = new Map<string, SendLine>();
  readonly #ledgers = new Map<string, NonceLedger>();

  constructor(connection: Connection, accounts: Accounts) {
    this.#connection = connection;
    this.#accounts = accounts;
  }

  /** eth_sendTransaction: the hash. */
  async send(parameter: unknown): Promise<string> {
    const request = parseTransaction(parameter);
    const line = this.#line(request.from);
    const place = line.enter(request.nonce !== undefined);
    let used: number | undefined;
    try {
      const { ledger, sign } = await this.#prepare(request);
      const next = () => ledger.next();
      const settled = request.nonce ?? (place.isFirst ? await next() : undefined);
      let nonce = settled ?? (await line.expectedNonce(place, next));
      let raw = await sign(nonce);
      await place.turn;
      if (settled === undefined) {
        const actual = await next();
        // Somebody before it failed, or another process sent: what was signed for the other nonce is dropped unseen.
        if (actual !== nonce) raw = await sign(actual);
        nonce = actual;
      }
      const hash = await this.#broadcast(raw);
      ledger.record(nonce, hash);
      if (request.nonce === undefined) used = nonce;
      return hash;
    } finally {
      line.leave(place, used);
      if (line.isEmpty) this.#lines.delete(request.from);
    }
  }

  /** eth_signTransaction: the bytes and what they say. The nonce, where absent, is the next one; it is not reserved. */
  async sign(parameter: unknown): Promise<{ raw: string; tx: Record<string, unknown> }> {
    const request = parseTransaction(parameter);
    const { ledger, sign } = await this.#prepare(request);
    const raw = await sign(request.nonce ?? (await ledger.next()));
    return { raw, tx: describeTransaction(Transaction.from(raw)) };
  }

  async #prepare(request: ParsedTransaction): Promise<Prepared> {
    const chainId = await this.#connection.chainId();
    const signer = await this.#accounts.signer(request.from, this.#connection.provider(chainId));
    if (request.chainId !== undefined && request.chainId !== chainId) {
      const message = `the transaction is for chain ${request.chainId}, the provider is on chain ${chainId}`;
      throw new ProviderRpcError(RPC_CODES.chainDisconnected, message);
    }
    const filled = await fillIn(signer, { ...toEthersRequest(request), chainId });
    return {
      ledger: this.#ledger(chainId, request.from),
      sign: async (nonce) => {
        try {
          return await signer.signTransaction(Transaction.from({ ...filled, nonce }));
        } catch (error) {
          throw signerFailure(error);
        }
      },
    };
  }

  /**
   * Sends the bytes. Where that failed, the node is asked whether it has them all the same: the answer was lost, or somebody on
   * the way repeated the request and got "already known". To call that a failure would have the caller pay twice.
   */
  async #broadcast(raw: string): Promise<string> {
    const hash = keccak256(raw);
    try {
      await this.#connection.request("eth_sendRawTransaction", [raw]);
    } catch (error) {
      const failure = upstreamFailure(error);
      const known = await this.#knows(hash).catch(() => false);
      if (known) return hash;
      if (failure.code !== RPC_CODES.disconnected) throw failure;
      const message = "the connection was lost while the transaction was sent; it may be on the chain all the same";
      throw new ProviderRpcError(RPC_CODES.disconnected, message, { data: { transactionHash: hash } });
    }
    return hash;
  }

  async #knows(hash: string): Promise<boolean> {
    return (await this.#connection.request("eth_getTransactionByHash", [hash])) != null;
  }

  #line(address: string): SendLine {
    const line = this.#lines.get(address) ?? new SendLine();
    this.#lines.set(address, line);
    return line;
  }

  #ledger(chainId: bigint, address: string): NonceLedger {
    const key = `${toQuantity(chainId)}:${address}`;
    const create = () => {
      const count = () => this.#connection.quantity("eth_getTransactionCount", [address, "pending"]);
      return new NonceLedger({
        count: async () => Number(await count()),
        knows: (hash) => this.#knows(hash),
        // Not the wall clock, whose jumps would give nonces back too early or never.
        now: () => performance.now(),
      });
    };
    const ledger = this.#ledgers.get(key) ?? create();
    this.#ledgers.set(key, ledger);
    return ledger;
  }
}

/** Everything but the nonce: 0 stands in for it, so that ethers asks for none. */
async function fillIn(signer: Signer, request: TransactionRequest): Promise<TransactionLike<string>> {
  try {
    const gasLimit = request.gasLimit ?? (await signer.estimateGas(request));
    const populated = await signer.populateTransaction({ ...request, gasLimit, nonce: 0 });
    // Transaction.from takes `from` for the sender of a signature, which is yet to be made.
    const { from: _, ...filled } = populated;
    return filled;
  } catch (error) {
    throw upstreamFailure(error);
  }
}
