import { makeError, Transaction, type TransactionLike, type TransactionResponse } from "ethers";
import { SignerError } from "../core/errors.ts";
import { discardTransaction } from "../signer/discarded.ts";
import type { AccountNonces } from "./account-nonces.ts";
import { findCandidate } from "./candidate.ts";
import type { Chain } from "./chain.ts";
import { broadcastUnknown, describeRecord, idempotencyConflict } from "./errors.ts";
import type { Line } from "./line.ts";
import { reconcile } from "./reconcile.ts";
import { isLive, type NonceCommit, type NonceCommitResult, type NonceRecord, type NonceStore } from "./store.ts";
import { hashOf, intentOf } from "./transaction.ts";

/** What a send needs of its signer. */
export interface SendContext {
  readonly store: NonceStore;
  readonly chain: Chain;
  readonly nonces: AccountNonces;
  readonly line: Line;
  /** Identifies this sender to the others. */
  readonly owner: string;
  readonly maxInFlight: number;
  readonly grace: number;
  readonly timeout: number;
  sign(transaction: TransactionLike<string>): Promise<string>;
}

/** A transaction that lacks its nonce. */
export interface Unsent {
  readonly transaction: TransactionLike<string>;
  readonly key: string | null;
  readonly intent: string;
}

/** Losing a nonce to another process so often makes a sender ask for its turn. */
const LOSSES = 3;
/** How long a turn lasts: as long as a slow signature. */
const TURN = 5_000;
const TURN_POLL = 40;
const POLL = 200;
const STORE_TRIES = 3;

/**
 * Signs for the next nonce, commits the bytes, and broadcasts them after those with lower nonces. The sends of one process are signed
 * and broadcast one after the other; while one is broadcast, the next is signed.
 */
export async function send(context: SendContext, unsent: Unsent): Promise<TransactionResponse> {
  const { line } = context;
  const { broadcast } = await line.signing.run(async () => {
    const record = await signAndCommit(context, unsent);
    const response = line.broadcasting.run(() => broadcastCommitted(context, record));
    // The caller awaits it, one turn later.
    response.catch(() => {});
    return { broadcast: response };
  });
  return broadcast;
}

/** Answers with the record of a known key. It signs nothing. @throws SignerError IDEMPOTENCY_CONFLICT if it is of another intent. */
export async function resume(context: SendContext, record: NonceRecord, intent: string): Promise<TransactionResponse> {
  checkIntent(record, intent);
  if (record.state === "signed" || record.state === "vacant") {
    const committed = record.state === "vacant" ? await revive(context, record) : record;
    return context.line.broadcasting.run(() => broadcastCommitted(context, committed));
  }
  return respond(context, record);
}

/** Refused bytes may be broadcast again, while no other transaction has their nonce. */
async function revive({ store, chain, nonces }: SendContext, record: NonceRecord): Promise<NonceRecord> {
  const { id, version, attempts } = record;
  const unknown = attempts.map((attempt) => ({ ...attempt, outcome: "unknown" as const }));
  const change = { ...record, state: "signed" as const, attempts: unknown };
  const revived = await nonces.call(() => store.mark(nonces.account, id, version, change));
  if (revived) return revived;
  // Another process with the same key may have been faster.
  const current = (await nonces.read({ id })).record;
  if (current && isLive(current.state)) return current;
  // Otherwise it would stay so until another transaction is sent.
  const { latest } = await chain.counts(nonces.account.address);
  const settled = record.nonce < latest ? await nonces.settle(record) : record;
  if (isLive(settled.state)) return settled;
  if (settled.state === "superseded") throw superseded(settled);
  const what = "a node refused the transaction, and its nonce was given to another one";
  throw broadcastUnknown(what, describeRecord(record), { refused: true });
}

function checkIntent(record: NonceRecord, intent: string): void {
  const committed = describeRecord(record);
  if (record.intent !== intent)
    throw idempotencyConflict("the key belongs to a transaction that does something else", committed);
  const mined = record.attempts.find(({ hash }) => hash === record.minedHash);
  if (mined && intentOf(mined.raw) !== intent) {
    throw idempotencyConflict("the key's transaction was cancelled", committed);
  }
}

async function respond({ chain }: SendContext, { attempts, minedHash }: NonceRecord): Promise<TransactionResponse> {
  const attempt = attempts.find(({ hash }) => hash === minedHash) ?? attempts.at(-1);
  return chain.response(attempt?.raw ?? "");
}

async function signAndCommit(context: SendContext, { transaction, key, intent }: Unsent): Promise<NonceRecord> {
  const { store, nonces, owner, sign } = context;
  let mayHaveTurn = false;
  try {
    for (let losses = 0; ; ) {
      const room = await findRoom(context, key);
      if ("record" in room) {
        checkIntent(room.record, intent);
        return room.record;
      }
      const { nonce } = room;
      if (losses >= LOSSES) {
        // Also if the response is lost.
        mayHaveTurn = true;
        if (!(await nonces.call(() => store.turn(nonces.account, owner, TURN)))) continue;
      }
      const raw = await sign({ ...transaction, nonce });
      const result = await commit(context, { nonce, key, intent, hash: hashOf(raw), raw });
      // The store has another transaction, and no node or store has this one.
      if (result.outcome !== "committed") await discardTransaction(raw);
      if (result.outcome !== "taken") {
        checkIntent(result.record, intent);
        return result.record;
      }
      losses += 1;
    }
  } finally {
    if (mayHaveTurn) await nonces.call(() => store.turn(nonces.account, owner, 0)).catch(() => {});
  }
}

/**
 * The nonce to sign for, once there is room among the transactions in flight, and no other process has the turn; or the record that
 * was committed under the key meanwhile.
 */
async function findRoom(
  context: SendContext,
  key: string | null,
): Promise<{ readonly nonce: number } | { readonly record: NonceRecord }> {
  const { chain, nonces, line, owner, maxInFlight, grace, timeout } = context;
  const { address } = nonces.account;
  const patience = grace * line.patience;
  const start = performance.now();
  const waitFor = async (milliseconds: number, what: string) => {
    if (performance.now() - start >= timeout) {
      const message = `${what}: nothing was sent; try again later`;
      throw new SignerError("THROTTLED", message, { operation: "sendTransaction", info: { address } });
    }
    await pause(milliseconds * (0.5 + Math.random() / 2));
  };
  for (;;) {
    const view = await nonces.read(key === null ? {} : { key });
    if (view.record && view.record.state !== "superseded") return { record: view.record };
    if (view.turn && view.turn.owner !== owner) {
      await waitFor(TURN_POLL, `another process has the turn to sign for ${address}`);
      continue;
    }
    const isOld = view.open.some(({ state, updatedAt }) => state !== "mined" && view.now - updatedAt >= patience);
    if (isOld && line.reconciledAt < start && start - line.reconciledAt >= grace) {
      line.reconciledAt = performance.now();
      await reconcile(context);
      continue;
    }
    const [counts, isDelegated] = await Promise.all([chain.counts(address), chain.isDelegated(address)]);
    const candidate = findCandidate(view, counts, grace);
    const floor = Math.max(counts.latest, view.settled);
    const live = view.open.filter(({ state, nonce }) => isLive(state) && nonce >= floor);
    const inFlight = Math.max(live.length, counts.pending - floor);
    const isFull = inFlight >= (isDelegated ? 1 : maxInFlight);
    const isAhead = line.isSequential && live.some(({ state }) => state === "signed");
    // A vacant nonce holds up those above it.
    if (candidate < view.next || !(isFull || isAhead)) return { nonce: candidate };
    await waitFor(POLL, `${inFlight} transactions of ${address} are in flight`);
  }
}

/** A commit whose answer is lost is made again: the store knows its hash. */
async function commit({ store, nonces }: SendContext, entry: NonceCommit): Promise<NonceCommitResult> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await nonces.call(() => store.commit(nonces.account, entry));
    } catch {
      if (tries < STORE_TRIES) await pause(POLL * tries);
      else throw broadcastUnknown("the nonce store did not confirm that it has the transaction", entry);
    }
  }
}

/** Step by step: those below that no node is known to have, then the record itself, until the node takes it or refuses it. */
async function broadcastCommitted(context: SendContext, record: NonceRecord): Promise<TransactionResponse> {
  const { nonces, line, timeout } = context;
  const end = performance.now() + timeout;
  for (let wait = POLL / 4; ; wait = Math.min(2 * wait, 10 * POLL)) {
    // Without the store, the bytes are broadcast alone: they are committed.
    const view = await nonces.read({ id: record.id }).catch(() => undefined);
    for (const lower of view?.open ?? []) {
      const mayLack = lower.state === "signed" || (line.isSequential && lower.state === "accepted");
      if (mayLack && lower.nonce < record.nonce) await nonces.offer(lower);
    }
    const offer = await nonces.offer(view?.record ?? record);
    const committed = describeRecord(offer.record);
    const { verdict, text } = offer;
    switch (verdict) {
      case "has-it":
        return respond(context, offer.record);
      case "used":
        if (offer.record.state === "superseded") throw superseded(offer.record);
        throw broadcastUnknown("another transaction seems to have used the nonce", committed, { reason: text });
      case "occupied":
      case "refused":
        throw broadcastUnknown(`the node refused the transaction: ${text}`, committed, { reason: text, refused: true });
      case "early":
        line.isSequential = true;
        if (performance.now() < end) break;
        throw broadcastUnknown(`the node does not take the transaction yet: ${text}`, committed, { reason: text });
      case "unknown": {
        const what = text === undefined ? "the node did not answer" : `the node answered: ${text}`;
        throw broadcastUnknown(what, committed, { reason: text });
      }
    }
    await pause(wait);
  }
}

/** ethers' own error for it. It is safe to send again. */
function superseded(record: NonceRecord): Error {
  const { hash, nonce, key } = describeRecord(record);
  const message = "nothing was sent, and sending again is safe: another transaction was mined with the nonce";
  const transaction = Transaction.from(record.attempts.at(-1)?.raw ?? "");
  return makeError(message, "NONCE_EXPIRED", { transaction, info: { hash, nonce, idempotencyKey: key } });
}

async function pause(milliseconds: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
}
