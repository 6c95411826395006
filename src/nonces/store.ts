/** An account on a chain: whose nonces are counted together. */
export interface NonceAccount {
  /** EIP-155. */
  readonly chainId: bigint;
  /** With or without the checksum of EIP-55. */
  readonly address: string;
}

/**
 * - `signed`: committed; no node is known to have it.
 * - `accepted`: a node has it.
 * - `mined`: one of the attempts has a receipt.
 * - `final`: mined, in a finalized block.
 * - `vacant`: every attempt was refused; the nonce is free for another transaction, while these bytes stay valid until it is used.
 * - `superseded`: another transaction was mined with the nonce.
 */
export type NonceState = "signed" | "accepted" | "mined" | "final" | "vacant" | "superseded";

/** One signed transaction: the first with its nonce, a replacement, or a cancellation. */
export interface NonceAttempt {
  /** The transaction's hash. */
  readonly hash: string;
  /** The signed transaction as it is broadcast, hex. Anyone who reads it can broadcast it. */
  readonly raw: string;
  /** What the last node said to it. `occupied`: refused, since another transaction is pending with the nonce. */
  readonly outcome: "unknown" | "accepted" | "refused" | "occupied";
}

/** What is known of one transaction and its nonce. */
export interface NonceRecord {
  /** The hash of the first attempt. */
  readonly id: string;
  /** The transaction's nonce. */
  readonly nonce: number;
  /** How far it has come. */
  readonly state: NonceState;
  /** Rises by one with each change. */
  readonly version: number;
  /** The last one is broadcast; the hashes of all are watched. */
  readonly attempts: readonly NonceAttempt[];
  /** The caller's idempotency key. */
  readonly key: string | null;
  /** Identifies what was asked for, without nonce, gas and fees. */
  readonly intent: string;
  /** The hash of the attempt that was mined. */
  readonly minedHash: string | null;
  /** When the nonce was first seen to be used without a receipt of any attempt. Milliseconds since 1970, by the store's clock. */
  readonly usedAt: number | null;
  /** When it was committed: milliseconds since 1970, by the store's clock. */
  readonly createdAt: number;
  /** When it was last changed: milliseconds since 1970, by the store's clock. */
  readonly updatedAt: number;
}

/** What a reader wants besides. */
export interface NonceQuery {
  /** The latest record under this idempotency key. */
  readonly key?: string;
  /** The record with this id. */
  readonly id?: string;
  /** Whether mined records are listed: there are many of them until their blocks are final. Default: false. */
  readonly mined?: boolean;
}

/** What a store knows of an account. */
export interface NonceView {
  /** The store's clock: milliseconds since 1970. */
  readonly now: number;
  /** One more than the highest nonce that a transaction has which is signed, accepted, mined or final; 0 if there is none. */
  readonly next: number;
  /** One more than the highest nonce that is mined or final; 0 if there is none. */
  readonly settled: number;
  /** The records that are signed, accepted or vacant, and those that are mined if they were asked for; lowest nonce first. */
  readonly open: readonly NonceRecord[];
  /** The record that was asked for, whatever its state. */
  readonly record: NonceRecord | undefined;
  /** Who is to sign next, while that is agreed on. */
  readonly turn: { readonly owner: string; readonly until: number } | undefined;
}

/** A signed transaction that is to get its nonce. */
export interface NonceCommit {
  /** The nonce that it was signed for. */
  readonly nonce: number;
  /** The caller's idempotency key. */
  readonly key: string | null;
  /** Identifies what was asked for, without nonce, gas and fees. */
  readonly intent: string;
  /** The transaction's hash. */
  readonly hash: string;
  /** The signed transaction as it is broadcast, hex. */
  readonly raw: string;
}

/** What became of a {@link NonceCommit}. */
export type NonceCommitResult =
  /** It is recorded, by this call or by an earlier one with the same hash. */
  | { readonly outcome: "committed"; readonly record: NonceRecord }
  /** The key has a record that is not superseded: that one. Nothing was changed. */
  | { readonly outcome: "duplicate"; readonly record: NonceRecord }
  /** Another transaction has the nonce. Nothing was changed. */
  | { readonly outcome: "taken" };

/** What {@link NonceStore.mark} can change. */
export type NonceChange = Pick<NonceRecord, "state" | "attempts" | "minedHash" | "usedAt">;

/**
 * Where the signed transactions of accounts are kept, shared by all processes that send from them.
 *
 * Every method is one atomic step. A method that resolves has stored what it says, durably; one that rejects may have done so.
 * Of the records of one nonce, at most one is `signed`, `accepted`, `mined` or `final`; of those of one key, at most one is not
 * `superseded`. `nonceStoreContract` of `ethers-hsm/testing` tests an implementation.
 */
export interface NonceStore {
  /** What is known of the account. */
  read(account: NonceAccount, query?: NonceQuery): Promise<NonceView>;
  /** Gives a nonce to a signed transaction, unless the key or the nonce has another. The same commit again changes nothing. */
  commit(account: NonceAccount, entry: NonceCommit): Promise<NonceCommitResult>;
  /**
   * Adds an attempt to a record that is signed, accepted or vacant, which becomes `signed`.
   *
   * @returns the record; undefined, with nothing changed, if its version is another one or another transaction has its nonce.
   */
  attempt(
    account: NonceAccount,
    id: string,
    version: number,
    attempt: { readonly hash: string; readonly raw: string },
  ): Promise<NonceRecord | undefined>;
  /** Changes a record. @returns as {@link attempt} does. */
  mark(account: NonceAccount, id: string, version: number, change: NonceChange): Promise<NonceRecord | undefined>;
  /**
   * Takes, or renews, the account's turn to sign for so many milliseconds; 0 gives it back. It saves signatures; nothing relies on it.
   *
   * @returns whether `owner` has it: false if another owner has it, and its time is not over.
   */
  turn(account: NonceAccount, owner: string, milliseconds: number): Promise<boolean>;
  /**
   * Deletes the records that are final or superseded and did not change for so many milliseconds, but never the one with the
   * highest nonce. Their keys are forgotten.
   *
   * @returns how many.
   */
  prune(account: NonceAccount, milliseconds: number): Promise<number>;
}

/** Whether a record in this state has its nonce alone. */
export function isLive(state: NonceState): boolean {
  return state !== "vacant" && state !== "superseded";
}

/** Whether a view can list it. */
export function isOpen(state: NonceState): boolean {
  return state !== "final" && state !== "superseded";
}

/** One name for an account, however its address is written. */
export function accountId({ chainId, address }: NonceAccount): string {
  return `${chainId}:${address.toLowerCase()}`;
}
