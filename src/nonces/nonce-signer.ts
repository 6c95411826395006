import {
  AbstractSigner,
  type Authorization,
  type AuthorizationRequest,
  assert,
  assertArgument,
  copyRequest,
  type Provider,
  resolveAddress,
  type Signer,
  Transaction,
  type TransactionLike,
  type TransactionRequest,
  type TransactionResponse,
  type TypedDataDomain,
  type TypedDataField,
} from "ethers";
import { SignerError } from "../core/errors.ts";
import { snapshot } from "../signer/snapshot.ts";
import { AccountNonces } from "./account-nonces.ts";
import { findCandidate } from "./candidate.ts";
import { Chain } from "./chain.ts";
import { broadcastUnknown, describeRecord } from "./errors.ts";
import { bumpFees } from "./fees.ts";
import { lineOf } from "./line.ts";
import { reconcile } from "./reconcile.ts";
import { resume, type SendContext, send } from "./sending.ts";
import type { NonceRecord, NonceStore } from "./store.ts";
import { hashOf, intentOf } from "./transaction.ts";

/** How transactions are sent. Every option is optional. */
export interface NonceOptions {
  /** How many transactions of the account may wait to be mined; an account that runs a contract's code has 1 (EIP-7702). Default: 16. */
  readonly maxInFlight?: number | undefined;
  /**
   * Whether the chain's node holds no transaction that is ahead of its turn: the next is then signed after a node took the one before.
   * Default: false, until the node says "nonce too high".
   */
  readonly sequential?: boolean | undefined;
  /** How long nodes may disagree about what is pending and mined, in milliseconds. Default: 60,000. */
  readonly grace?: number | undefined;
  /** The longest wait for the store, for one response of the node, and for room in flight, in milliseconds. Default: 30,000. */
  readonly timeout?: number | undefined;
}

/** What {@link NonceSigner.reconcile} does besides. */
export interface ReconcileOptions {
  /** Sends the account 0 wei with each vacant nonce that others wait for. Default: false. */
  readonly fill?: boolean | undefined;
  /** Forgets final and superseded records, and their keys, after so many milliseconds. Default: they are kept. */
  readonly keep?: number | undefined;
}

/** The limits of a replacement. */
export interface ReplaceOptions {
  /** The most that it may pay, in wei per gas. Default: no limit. */
  readonly maxFeePerGas?: bigint | undefined;
  /** Called before the key signs, with the replacement and with what it replaces. If it rejects, nothing is signed. */
  readonly confirm?: ((replacement: Transaction, replaced: Transaction) => Promise<void>) | undefined;
}

/**
 * A signer whose account other processes send from too: nonces are kept in `nonces`, which all of them share.
 *
 * @param signer any ethers signer that signs transactions itself, with a provider.
 * @example
 * const signer = withNonces(await KmsSigner.create(options, provider), postgresNonceStore(sql));
 */
export function withNonces(signer: Signer, nonces: NonceStore, options: NonceOptions = {}): NonceSigner {
  return new NonceSigner(signer, nonces, options);
}

/**
 * An ethers signer that commits each signed transaction to a {@link NonceStore} before any node sees it. See {@link withNonces}.
 *
 * `tx.customData.idempotencyKey`, a string of 1 to 200 characters, makes a send repeatable: as long as the store knows the key, the same
 * transaction is answered for, and never signed again unless another one was mined with its nonce.
 *
 * @throws SignerError BROADCAST_UNKNOWN if the transaction is committed and a node refused it or did not answer: `info` has `hash`, `nonce`,
 *   `idempotencyKey`, `refused` and the node's `reason`. IDEMPOTENCY_CONFLICT if the key belongs to another transaction. THROTTLED if
 *   too many are in flight. BACKEND_UNAVAILABLE of the backend "nonce-store" if the store failed before anything was signed.
 */
export class NonceSigner extends AbstractSigner<null | Provider> {
  readonly #signer: Signer;
  readonly #store: NonceStore;
  readonly #options: NonceOptions;
  readonly #owner = crypto.randomUUID();

  /**
   * Does no I/O.
   *
   * @throws ethers' INVALID_ARGUMENT for options that cannot be right.
   */
  constructor(signer: Signer, nonces: NonceStore, options: NonceOptions = {}) {
    super(signer.provider);
    const { maxInFlight = 16, grace = 60_000, timeout = 30_000, sequential = false } = options;
    for (const [name, value] of Object.entries({ maxInFlight, timeout })) {
      assertArgument(Number.isInteger(value) && value > 0, "it must be a positive integer", name, value);
    }
    assertArgument(Number.isInteger(grace) && grace >= 0, "it must be an integer of 0 or more", "grace", grace);
    this.#signer = signer;
    this.#store = nonces;
    this.#options = { maxInFlight, grace, timeout, sequential };
  }

  override async getAddress(): Promise<string> {
    return this.#signer.getAddress();
  }

  override connect(provider: null | Provider): NonceSigner {
    return new NonceSigner(this.#signer.connect(provider), this.#store, this.#options);
  }

  /** Signs as the signer does. It counts no nonce and sends nothing. */
  override async signTransaction(tx: TransactionRequest): Promise<string> {
    return this.#signer.signTransaction(tx);
  }

  /** Signs as the signer does (EIP-191). */
  override async signMessage(message: string | Uint8Array): Promise<string> {
    return this.#signer.signMessage(message);
  }

  /** Signs as the signer does (EIP-712). */
  override async signTypedData(
    domain: TypedDataDomain,
    types: Record<string, TypedDataField[]>,
    // biome-ignore lint/suspicious/noExplicitAny: the signature of ethers' Signer.
    value: Record<string, any>,
  ): Promise<string> {
    return this.#signer.signTypedData(domain, types, value);
  }

  /** Signs as the signer does (EIP-7702). */
  override async authorize(request: AuthorizationRequest): Promise<Authorization> {
    return this.#signer.authorize(request);
  }

  /**
   * Sends the transaction with the next nonce, which must not be given. It resolves when a node has it.
   *
   * @throws as the class says; ethers' NONCE_EXPIRED if another transaction was mined with the nonce: sending again is safe then.
   */
  override async sendTransaction(tx: TransactionRequest): Promise<TransactionResponse> {
    const call = await this.#begin(tx);
    const known = await findKnown(call);
    if (known) return known;
    const { context, request, key, intent } = call;
    const { from: _from, nonce: _nonce, ...transaction } = await this.#signer.populateTransaction(request);
    return send(context, { transaction, key, intent });
  }

  /**
   * Answers for a transaction whose idempotency key is known, as {@link sendTransaction} does, and broadcasts its bytes again if no node is
   * known to have them. It signs nothing, and needs neither gas nor fees.
   *
   * @returns undefined if the key is not known.
   * @throws as {@link sendTransaction} does.
   */
  async resume(tx: TransactionRequest): Promise<TransactionResponse | undefined> {
    return findKnown(await this.#begin(tx));
  }

  async #begin(tx: TransactionRequest): Promise<Call> {
    const { request, key } = copyOwn(tx);
    const context = await this.#context("sendTransaction");
    return { context, request, key, intent: await this.#intent(request, context) };
  }

  /** What is signed, accepted, mined or vacant, lowest nonce first; and the next nonce of the store. It asks the store alone. */
  async records(): Promise<{ readonly next: number; readonly open: readonly NonceRecord[] }> {
    const { nonces } = await this.#context("records");
    const { next, open } = await nonces.read({ mined: true });
    return { next, open };
  }

  /**
   * Compares every open record with the chain, and broadcasts again what no node has. A send does so for records that did not change
   * for the grace period; no timer does.
   *
   * @returns the records that are open afterwards.
   */
  async reconcile({ fill = false, keep }: ReconcileOptions = {}): Promise<readonly NonceRecord[]> {
    const context = await this.#context("reconcile");
    const { nonces, chain, grace } = context;
    await reconcile(context, true);
    for (let isHole = fill; isHole; ) {
      const [view, counts] = await Promise.all([nonces.read(), chain.counts(nonces.account.address)]);
      isHole = findCandidate(view, counts, grace) < view.next;
      if (isHole) await this.sendTransaction({ to: nonces.account.address, value: 0n });
    }
    if (keep !== undefined) await nonces.call(() => this.#store.prune(nonces.account, keep));
    return (await nonces.read({ mined: true })).open;
  }

  /** Sends the same transaction with higher fees: 10 % more, or twice as much for blobs, and at least what the node suggests. */
  async replace(hash: string, options: ReplaceOptions = {}): Promise<TransactionResponse> {
    return this.#replace(hash, options, (previous) => previous);
  }

  /**
   * Sends the account 0 wei with the transaction's nonce and higher fees. Either may be mined: wait for the nonce's receipt. The
   * idempotency key of a cancelled transaction is not used again.
   */
  async cancel(hash: string, options: ReplaceOptions = {}): Promise<TransactionResponse> {
    const to = await this.getAddress();
    return this.#replace(hash, options, (previous) => {
      // Pools do not replace a blob transaction by one without blobs.
      const content =
        previous.type === 3 ? previous : { type: previous.type, chainId: previous.chainId, gasLimit: 21_000n };
      return { ...content, to, value: 0n, data: "0x" } as TransactionLike<string>;
    });
  }

  async #replace(
    hash: string,
    { maxFeePerGas, confirm }: ReplaceOptions,
    change: (previous: TransactionLike<string>) => TransactionLike<string>,
  ): Promise<TransactionResponse> {
    const { nonces, chain, sign } = await this.#context("replace");
    const { open } = await nonces.read();
    const record = open.find(({ attempts }) => attempts.some((attempt) => attempt.hash === hash));
    const last = record?.attempts.at(-1);
    assertArgument(
      record && last && record.state !== "mined",
      "no transaction that waits to be mined has it",
      "hash",
      hash,
    );
    const previous = readUnsigned(last.raw);
    const fees = bumpFees(previous, await chain.fees(), maxFeePerGas);
    const replacement = { ...change(previous), nonce: record.nonce, ...fees };
    await confirm?.(Transaction.from(replacement), Transaction.from(last.raw));
    const raw = await sign(replacement);
    const attempt = { hash: hashOf(raw), raw };
    const { id, version } = record;
    const changed = await nonces
      .call(() => this.#store.attempt(nonces.account, id, version, attempt))
      // A client that lost the response may have repeated the request, to which the version is another one.
      .then(async (added) => added ?? (await findAttempt(nonces, id, attempt.hash)))
      .catch(() => {
        throw broadcastUnknown("the nonce store did not confirm the replacement", {
          ...describeRecord(record),
          hash: attempt.hash,
        });
      });
    if (!changed) {
      const message = `the record of nonce ${record.nonce} was changed meanwhile: nothing was sent; look at it and try again`;
      throw new SignerError("THROTTLED", message, { operation: "replace", info: describeRecord(record) });
    }
    const { verdict, text, record: after } = await nonces.offer(changed);
    if (verdict === "has-it")
      return chain.response(after.attempts.find((each) => each.hash === after.minedHash)?.raw ?? raw);
    const isRefused = verdict === "refused" || verdict === "occupied";
    const what = `the node did not take the replacement: ${text ?? "it did not answer"}`;
    throw broadcastUnknown(what, describeRecord(after), { reason: text, refused: isRefused });
  }

  async #context(operation: string): Promise<SendContext> {
    const { provider } = this;
    assert(provider !== null, "missing provider", "UNSUPPORTED_OPERATION", { operation });
    const { maxInFlight = 0, grace = 0, timeout = 0, sequential = false } = this.#options;
    const chain = new Chain(provider, timeout);
    const [chainId, address] = await Promise.all([chain.id(), this.getAddress()]);
    const account = { chainId, address };
    const line = lineOf(this.#store, account);
    line.isSequential ||= sequential;
    return {
      store: this.#store,
      chain,
      nonces: new AccountNonces(this.#store, account, chain, { grace, timeout }),
      line,
      owner: this.#owner,
      maxInFlight,
      grace,
      timeout,
      sign: (transaction) => this.#signer.signTransaction(transaction),
    };
  }

  async #intent(request: TransactionRequest, { nonces }: SendContext): Promise<string> {
    const { to, type, value, data, accessList, authorizationList, blobVersionedHashes, blobs, kzg } = request;
    const content = { type, value, data, accessList, blobVersionedHashes, blobs, kzg };
    const { chainId } = nonces.account;
    const address = to == null ? null : await resolveAddress(to, this);
    const authorizations = authorizationList?.map((each) => ({ ...each }));
    return intentOf({ ...content, to: address, chainId, authorizationList: authorizations } as TransactionLike<string>);
  }
}

/** One call of sendTransaction. */
interface Call {
  readonly context: SendContext;
  readonly request: TransactionRequest;
  readonly key: string | null;
  readonly intent: string;
}

async function findKnown({ context, key, intent }: Call): Promise<TransactionResponse | undefined> {
  if (key === null) return undefined;
  const { record } = await context.nonces.read({ key });
  return record && record.state !== "superseded" ? resume(context, record, intent) : undefined;
}

/** The call's own copy, and its idempotency key. */
function copyOwn(tx: TransactionRequest): { request: TransactionRequest; key: string | null } {
  const { customData, ...rest } = copyRequest(tx);
  const request: TransactionRequest = rest;
  assertArgument(
    request.nonce == null,
    "the signer chooses the nonce; to replace a transaction, use replace()",
    "tx.nonce",
    tx.nonce,
  );
  const { authorizationList, blobs } = request;
  if (authorizationList) request.authorizationList = snapshot(authorizationList, "tx.authorizationList");
  if (blobs) request.blobs = snapshot(blobs, "tx.blobs");
  const key: unknown = customData?.idempotencyKey ?? null;
  const isKey = key === null || (typeof key === "string" && key.length > 0 && key.length <= 200);
  assertArgument(isKey, "it must be a string of 1 to 200 characters", "tx.customData.idempotencyKey", key);
  return { request, key: key as string | null };
}

async function findAttempt(nonces: AccountNonces, id: string, hash: string): Promise<NonceRecord | undefined> {
  const { record } = await nonces.read({ id });
  return record?.attempts.some((attempt) => attempt.hash === hash) ? record : undefined;
}

/** What was signed, without its signature: a Transaction's properties are getters. */
function readUnsigned(raw: string): TransactionLike<string> {
  const transaction = Transaction.from(raw);
  const { type, to, data, value, chainId, gasLimit, accessList, authorizationList } = transaction;
  const { gasPrice, maxFeePerGas, maxPriorityFeePerGas, maxFeePerBlobGas } = transaction;
  const { blobVersionedHashes, blobs, blobWrapperVersion } = transaction;
  const content = { type, to, data, value, chainId, gasLimit, accessList, authorizationList };
  const fees = { gasPrice, maxFeePerGas, maxPriorityFeePerGas, maxFeePerBlobGas };
  return { ...content, ...fees, blobVersionedHashes, blobs, blobWrapperVersion };
}
