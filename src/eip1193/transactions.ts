import { keccak256, type Signer, Transaction, type TransactionLike } from "ethers";
import { AccountQueue, type QueueEntry } from "./account-queue.ts";
import type { Accounts } from "./accounts.ts";
import { invalidParams, ProviderRpcError, RPC_CODES } from "./errors.ts";
import { fillIn } from "./fees.ts";
import { NonceLedger } from "./nonce-ledger.ts";
import type { SharedNonces } from "./shared-nonces.ts";
import { type ParsedTransaction, parseTransaction } from "./transaction-request.ts";
import type { Upstream } from "./upstream.ts";

export interface TransactionOptions {
  /** The most wei that a transaction may cost as fee. */
  readonly maxFeePerTransaction: bigint | undefined;
  /** Whether a legacy transaction for chain 0 is signed: without EIP-155. */
  readonly unprotectedTransactions: boolean;
  /** What counts the nonces instead of this process. */
  readonly sharedNonces: SharedNonces | undefined;
}

/** A transaction that lacks only its nonce. */
interface Prepared {
  readonly chainId: bigint;
  readonly ledger: NonceLedger;
  readonly signer: Signer;
  readonly transaction: TransactionLike<string>;
  sign(nonce: number): Promise<string>;
}

/** What is kept for an account: its queue, and its nonces on the chain that it was last used on. */
interface AccountState {
  readonly queue: AccountQueue;
  ledger?: { readonly chainId: bigint; readonly nonces: NonceLedger };
}

/** The chain ids of development nodes: Hardhat's and anvil's, and that of geth --dev and Ganache. */
const DEVELOPMENT_CHAINS: ReadonlySet<bigint> = new Set([31337n, 1337n]);
/** EIP-2681 allows more, but one transaction a second for a century is fewer. */
const MAX_NONCE = 2n ** 32n;
/** Methods of development nodes. Any of them may set the chain back, and such a node's count is right at once. */
const DEVELOPMENT_METHOD = /^((evm|anvil|hardhat|ganache|tenderly)_|debug_setHead$)/;

/**
 * Transactions of the provider's accounts: filled in and signed here, sent raw.
 *
 * An account's transactions are signed and broadcast in the order of the requests, each with the lowest nonce that is free
 * then. So nonces are consecutive, and a transaction that fails leaves no gap. Gas and fees are asked for before, in parallel.
 * A transaction is signed while the one before it is being broadcast; if that one is refused, it is signed again for the
 * nonce that became free.
 */
export class Transactions {
  readonly #upstream: Upstream;
  readonly #accounts: Accounts;
  readonly #options: TransactionOptions;
  readonly #states = new Map<string, AccountState>();

  constructor(upstream: Upstream, accounts: Accounts, options: TransactionOptions) {
    this.#upstream = upstream;
    this.#accounts = accounts;
    this.#options = options;
  }

  /** Whether a send may be repeated under its idempotency key. */
  get hasKeys(): boolean {
    return this.#options.sharedNonces !== undefined;
  }

  /** eth_sendTransaction: the hash. @param key the idempotency key, for a nonce store. */
  async send(parameter: unknown, key?: string): Promise<string> {
    const request = parseTransaction(parameter);
    if (this.#options.sharedNonces) return this.#sendShared(request, this.#options.sharedNonces, key);
    const { from, nonce } = request;
    const entry = this.#state(from).queue.enter();
    try {
      const prepared = await this.#prepare(request);
      // A replacement must not wait for what it replaces.
      if (nonce !== undefined && (await prepared.ledger.isTaken(nonce))) entry.leave();
      else await entry.signingTurn;
      const hash = await this.#signAndBroadcast(nonce, prepared, entry);
      entry.leave();
      // Otherwise a test's revert over another connection would go unnoticed.
      if (DEVELOPMENT_CHAINS.has(prepared.chainId)) await prepared.ledger.observe();
      return hash;
    } finally {
      entry.leave();
      this.#forgetIdle(from);
    }
  }

  /** The hash of what was sent under the key; undefined if nothing was. It signs nothing. */
  async resume(parameter: unknown, key: string): Promise<string | undefined> {
    const { from, nonce: _nonce, ...transaction } = parseTransaction(parameter);
    const [signer, chainId] = [await this.#accounts.signer(from), await this.#upstream.chainId()];
    return this.#options.sharedNonces?.resume(signer, chainId, transaction, key);
  }

  async #sendShared(request: ParsedTransaction, shared: SharedNonces, key: string | undefined): Promise<string> {
    if (request.nonce !== undefined) throw invalidParams("the nonce store chooses the nonce: leave it out");
    try {
      const { signer, chainId, transaction } = await this.#prepare(request);
      return await shared.send(signer, chainId, transaction, key);
    } finally {
      this.#forgetIdle(request.from);
    }
  }

  /** eth_signTransaction: the signed bytes. The nonce, if absent, is the next one; it is not reserved. */
  async sign(parameter: unknown): Promise<string> {
    const request = parseTransaction(parameter);
    const { ledger, sign } = await this.#prepare(request);
    const nonce = request.nonce ?? (await ledger.next());
    this.#forgetIdle(request.from);
    return sign(nonce);
  }

  /** The upstream did what this method asks for. */
  noteMethod(method: string): void {
    if (!DEVELOPMENT_METHOD.test(method)) return;
    for (const { ledger } of this.#states.values()) ledger?.nonces.forget();
  }

  async #prepare(request: ParsedTransaction): Promise<Prepared> {
    const signer = await this.#accounts.signer(request.from);
    const chainId = await this.#upstream.chainId();
    const isUnprotected = this.#options.unprotectedTransactions && request.type === 0 && request.chainId === 0n;
    if (request.chainId !== undefined && request.chainId !== chainId && !isUnprotected) {
      const message = `the transaction is for chain ${request.chainId}, the provider is on chain ${chainId}`;
      throw new ProviderRpcError(RPC_CODES.chainDisconnected, message);
    }
    const filled = await fillIn(this.#upstream, { ...request, chainId }, this.#options.maxFeePerTransaction);
    const transaction = { ...filled, chainId: isUnprotected ? 0n : chainId };
    return {
      chainId,
      ledger: this.#ledger(chainId, request.from),
      signer,
      transaction,
      sign: (nonce) => signer.signTransaction(Transaction.from({ ...transaction, nonce })),
    };
  }

  /** With `nonce`, or with the lowest that is free. An entry that has left waits for nothing. */
  async #signAndBroadcast(nonce: number | undefined, { ledger, sign }: Prepared, entry: QueueEntry): Promise<string> {
    for (;;) {
      const { revision } = ledger;
      const own = nonce ?? (await ledger.next());
      const release = ledger.take(own);
      let hash: string | undefined;
      try {
        const raw = await sign(own);
        if (!entry.hasLeft) await entry.broadcastTurn;
        // The transaction before this one failed: what was signed for the nonce above the gap is never sent.
        const isFreed = nonce === undefined && ledger.revision !== revision && (await ledger.next()) < own;
        if (isFreed) continue;
        entry.startBroadcast();
        hash = await this.#broadcast(raw);
        return hash;
      } finally {
        release(hash);
      }
    }
  }

  /**
   * Sends the bytes. If that fails, the node is asked whether it has them: the response was lost, or a proxy repeated the request
   * and got "already known". Calling that a failure would make the caller pay twice.
   */
  async #broadcast(raw: string): Promise<string> {
    const hash = keccak256(raw);
    try {
      await this.#upstream.request("eth_sendRawTransaction", [raw]);
    } catch (error) {
      const known = await this.#knows(hash).catch(() => false);
      if (known) return hash;
      const { code } = error as ProviderRpcError;
      if (code !== RPC_CODES.disconnected && code !== RPC_CODES.resourceUnavailable) throw error;
      const message =
        "the connection was lost while the transaction was sent, and it may still reach the chain: " +
        "look for its hash before you send again";
      throw new ProviderRpcError(RPC_CODES.disconnected, message, { data: { transactionHash: hash } });
    }
    return hash;
  }

  async #knows(hash: string): Promise<boolean> {
    return (await this.#upstream.request("eth_getTransactionByHash", [hash])) != null;
  }

  #state(address: string): AccountState {
    const state = this.#states.get(address) ?? { queue: new AccountQueue() };
    this.#states.set(address, state);
    return state;
  }

  #forgetIdle(address: string): void {
    const { queue, ledger } = this.#state(address);
    if (queue.isEmpty && (!ledger || ledger.nonces.isEmpty)) this.#states.delete(address);
  }

  #ledger(chainId: bigint, address: string): NonceLedger {
    const state = this.#state(address);
    if (state.ledger?.chainId !== chainId) {
      const params = [address, "pending"];
      const nonces = new NonceLedger({
        count: async () => Number(await this.#upstream.quantity("eth_getTransactionCount", params, MAX_NONCE)),
        knows: (hash) => this.#knows(hash),
        // Not the wall clock, whose jumps would free nonces too early or never.
        now: () => performance.now(),
      });
      state.ledger = { chainId, nonces };
    }
    return state.ledger.nonces;
  }
}
