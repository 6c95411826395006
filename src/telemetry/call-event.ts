import type { SignerErrorCode } from "../core/errors.ts";

/** What is done with a key or a store. */
export type CallOperation =
  | "sign"
  | "public-key"
  | "verify-key"
  | "health"
  | "custody"
  | "close"
  | "list"
  | "create"
  | "import";

/**
 * One call of a key or a store. The same object is passed at its start and its end; what the end adds is undefined until then.
 *
 * It never holds a digest, a message, a signature, a credential, an error or a key's name. Pass a name of your own to the observer, if you want one.
 */
export interface CallEvent {
  /** The kind of backend, for example `"aws-kms"`. */
  readonly backend: string;
  /** What is done. */
  readonly operation: CallOperation;
  /** `aborted`: the caller's signal ended the wait. */
  outcome?: "ok" | "error" | "aborted";
  /** Of the SignerError; `_OTHER` for a caller's mistake. undefined unless the outcome is `error`. */
  code?: SignerErrorCode | "_OTHER";
  /** The whole call, in milliseconds: waiting, retries and the verification included. */
  duration?: number;
  /** How many requests the backend got, as far as its SDK says. 0 if it was not asked. */
  attempts?: number;
  /** How long the requests waited for their turn before the backend got them, in milliseconds: for PKCS#11, for a session. */
  queued?: number;
  /** The backend's identifiers of its responses, which its own log has too. */
  requestIds?: readonly string[];
  /** PKCS#11: the sessions with the token that worked when the call ended, by all users in this process. */
  sessions?: SessionsInUse;
}

/** How many sessions with a PKCS#11 token work. */
export interface SessionsInUse {
  /** The token's label. */
  readonly token: string;
  /** The sessions of this process that do a task, or are being opened for one. */
  readonly inUse: number;
}

/** One request of a key to its backend, when it is over. */
export interface CallAttempt {
  /** The backend's identifier of the request; undefined if no response came, or the backend has none. */
  readonly requestId?: string | undefined;
  /** Whether no response came: the backend may have done what it was asked. */
  readonly isLost: boolean;
  /** How long it waited for its turn, in milliseconds. */
  readonly queued?: number | undefined;
  /** PKCS#11: when it was over. */
  readonly sessions?: SessionsInUse | undefined;
}

/**
 * Watches calls. What it throws or returns changes no call: the first error of each observer is reported as a warning of the process, and later
 * ones are dropped.
 */
export interface CallObserver {
  /** Before the call. */
  onStart?(event: CallEvent): void;
  /** After it. */
  onEnd?(event: CallEvent): void;
  /** Runs the call within a context of its own. It calls `fn` once, at once; the call is made in any case, and once. */
  run?(fn: () => Promise<void>, event: CallEvent): unknown;
}
