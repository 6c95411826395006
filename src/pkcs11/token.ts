import { setTimeout } from "node:timers/promises";
import { isSignerError, SignerError } from "../core/errors.ts";
import { withDeadline } from "../signer/deadline.ts";
import type { CallOptions } from "../signer/remote-key.ts";
import type { PoolUser } from "./call-queue.ts";
import type { LibraryInfo, TokenInfo, TokenSlot } from "./cryptoki.ts";
import { recoveryFor, returnValueOf } from "./errors.ts";
import { Login } from "./login.ts";
import { loadModule, type Pkcs11Module } from "./module.ts";
import type { CheckedToken } from "./options.ts";
import { CKR, type RecoveryAction } from "./return-values.ts";
import type { Pkcs11Session } from "./session.ts";
import { POOL_ENDED, type PoolState, type SessionPool } from "./session-pool.ts";
import { findSlot, slotId } from "./slot.ts";
import { usePin } from "./token-login.ts";

// A call is tried this often at most, with pauses that double from the first to the longest.
const ATTEMPTS = 8;
const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 1_000;

// After these the token may be in another slot, or another token in this one.
const MOVED: readonly (number | undefined)[] = [
  CKR.SLOT_ID_INVALID,
  CKR.DEVICE_REMOVED,
  CKR.TOKEN_NOT_PRESENT,
  CKR.TOKEN_NOT_RECOGNIZED,
];

export interface RunOptions {
  /** Lets a task leave the queue before its turn; once begun, it runs to its end, even if its caller has left. */
  readonly signal?: AbortSignal | undefined;
  /** Called after each attempt that got a session. */
  readonly onAttempt?: CallOptions["onAttempt"];
  /** Whether the task may run again after a failure that can be recovered from. Default: true. */
  readonly retryable?: boolean | undefined;
}

/** What a token and its library say of themselves. */
export interface TokenReport {
  readonly library: LibraryInfo;
  /** The CK_SLOT_ID. */
  readonly slot: bigint;
  readonly token: TokenInfo;
  readonly sessions: PoolState;
}

/**
 * One signer's or store's way to a token: tasks in the sessions that all of this process share, and what makes them succeed
 * after a failure.
 *
 * A task that fails as the token, the library or another user of it made it fail is retried after recovery: after a pause, in
 * another session, after another login, or once the library was started again.
 */
export class Pkcs11Token {
  readonly #options: CheckedToken;
  readonly #user: PoolUser;
  readonly #running = new Set<Promise<unknown>>();
  #module: Pkcs11Module | undefined;
  #pool: SessionPool | undefined;
  #attaching: Promise<SessionPool> | undefined;
  /** Whether the token may be in another slot. */
  #isMoved = false;
  #wasFound = false;
  #isClosed = false;
  #closing: Promise<void> | undefined;
  #lastError: SignerError | undefined;

  /** Does no I/O. */
  constructor(options: CheckedToken) {
    this.#options = options;
    const { pin, user, sessions, maxQueue } = options;
    this.#user = { login: new Login(pin, user), sessions, maxQueue };
  }

  /** The last failure of the token, the library or the login, recovered from or not. */
  get lastError(): SignerError | undefined {
    return this.#lastError;
  }

  run<T>(task: (session: Pkcs11Session) => Promise<T>, options: RunOptions): Promise<T> {
    return this.#unlessClosed(() => this.#attempt(task, options));
  }

  async #unlessClosed<T>(call: () => Promise<T>): Promise<T> {
    if (this.#isClosed) throw new SignerError("SIGNER_CLOSED", "the store was closed; construct a new one");
    const running = call();
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }

  /** @throws SignerError BACKEND_UNAVAILABLE, which makes the task run again after a login, unless the user is logged in. */
  async requireLogin(session: Pkcs11Session): Promise<void> {
    if (!this.#user.login.isNeededFor(session.slot) || (await session.isLoggedIn())) return;
    throw loggedOut();
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Lets `use` have the PIN; undefined if there is none. One that the token refuses is not tried again. */
  async withPin<T>(session: Pkcs11Session, use: (pin: string | undefined) => Promise<T>): Promise<T> {
    const { login } = this.#user;
    return login.isNeededFor(session.slot) ? usePin(login, await login.read(), session.slot, use) : use(undefined);
  }

  /** No session of now is used again: one of them answered something wrong. */
  invalidate(): void {
    this.#pool?.invalidate();
  }

  /** Asks the library and the token; it needs no session and no login. */
  report(): Promise<TokenReport> {
    return this.#unlessClosed(async () => {
      const pool = this.#attached ?? (await this.#attach());
      const module = this.#module as Pkcs11Module;
      const library = await module.cryptoki.getInfo();
      const token = await module.cryptoki.getTokenInfo(pool.slot.handle);
      return { library, slot: slotId(pool.slot.handle), token, sessions: pool.state };
    });
  }

  /** Waits for the tasks that run or wait already, then leaves the sessions and the library to the others. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#isClosed = true;
    while (this.#running.size > 0) await Promise.allSettled(this.#running);
    await this.#attaching?.catch(() => undefined);
    await this.#detach();
    await this.#module?.release();
  }

  async #attempt<T>(
    task: (session: Pkcs11Session) => Promise<T>,
    { signal, onAttempt, retryable = true }: RunOptions,
  ): Promise<T> {
    // Who has waited in the queue of the user's calls is not sent to its end again.
    const own = {};
    for (let attempt = 1; ; attempt += 1) {
      const generation = this.#module?.generation;
      try {
        const pool = this.#attached ?? (await withDeadline(() => this.#attach(), { signal }));
        const lane = attempt === 1 ? this.#user : own;
        const start = performance.now();
        let queued: number | undefined;
        const begin = (session: Pkcs11Session) => {
          queued = performance.now() - start;
          return this.#guarded(session, task);
        };
        try {
          return await pool.run(this.#user, begin, signal, lane);
        } finally {
          // Its own session is back by now.
          const sessions = { token: pool.slot.label, inUse: pool.state.busy };
          if (queued !== undefined) onAttempt?.({ queued, sessions, isLost: false });
        }
      } catch (error) {
        if (error === POOL_ENDED) {
          // It has only waited.
          attempt -= 1;
          continue;
        }
        this.#remember(error);
        const recovery = recoveryFor(error);
        if (recovery === undefined || signal?.aborted) throw error;
        const isLast = !retryable || attempt === ATTEMPTS;
        // A lost session or login is re-established at once, unless that has failed already.
        if (!isLast && (attempt > 1 || recovery === "retry")) await pause(attempt, signal);
        const failure = await this.#recover(recovery, error, attempt, generation);
        if (isLast) throw failure ?? error;
      }
    }
  }

  // To a user who was logged out meanwhile a token shows no private key: that does not mean that it has none.
  async #guarded<T>(session: Pkcs11Session, task: (session: Pkcs11Session) => Promise<T>): Promise<T> {
    const { epoch } = session;
    try {
      return await task(session);
    } catch (error) {
      if (!isSignerError(error, "KEY_NOT_FOUND")) throw error;
      await this.requireLogin(session);
      // Another session may have logged in again since the search.
      if (this.#user.login.isNeededFor(session.slot) && session.epoch !== epoch) throw loggedOut();
      throw error;
    }
  }

  /** Does what the next attempt needs. Returns why the library could not be started again, if it would have to be. */
  async #recover(
    recovery: RecoveryAction,
    error: unknown,
    attempt: number,
    generation: object | undefined,
  ): Promise<unknown> {
    const pool = this.#pool;
    if (recovery === "login") pool?.invalidateLogin();
    if (MOVED.includes(returnValueOf(error))) this.#isMoved = true;
    if (recovery !== "reload-library" || !this.#module || !generation) return undefined;
    // A token that was away for a moment needs another session and no more.
    if (attempt === 1 && returnValueOf(error) !== CKR.CRYPTOKI_NOT_INITIALIZED) return undefined;
    try {
      await this.#module.restart(generation, error, pool);
      return undefined;
    } catch (failure) {
      this.#remember(failure);
      return failure;
    }
  }

  // Undefined if the token is to be found, for the first time or again.
  get #attached(): SessionPool | undefined {
    return this.#isMoved || this.#pool?.isEnded ? undefined : this.#pool;
  }

  // Once for all that wait.
  async #attach(): Promise<SessionPool> {
    this.#attaching ??= this.#findPool().finally(() => {
      this.#attaching = undefined;
    });
    return this.#attaching;
  }

  async #findPool(): Promise<SessionPool> {
    this.#module ??= await loadModule(this.#options);
    const module = this.#module;
    const { generation } = module;
    const slot = await this.#findSlot(module);
    // The library was started again meanwhile, and its slots may have other numbers.
    if (module.generation !== generation) return this.#findPool();
    const pool = module.pool(slot);
    pool.add(this.#user);
    if (this.#pool !== pool) await this.#detach();
    this.#isMoved = false;
    this.#pool = pool;
    return pool;
  }

  // A library that has lost its token may show none from then on, without an error, until it is started again.
  async #findSlot(module: Pkcs11Module): Promise<TokenSlot> {
    const { generation } = module;
    try {
      const slot = await findSlot(module.cryptoki, this.#options.token);
      this.#wasFound = true;
      return slot;
    } catch (error) {
      if (!isSignerError(error, "KEY_NOT_FOUND")) throw error;
      if (this.#wasFound) {
        throw new SignerError("BACKEND_UNAVAILABLE", `the token was there and is gone: ${error.message}`, {
          operation: "C_GetSlotList",
          info: { returnValue: CKR.TOKEN_NOT_PRESENT },
        });
      }
      const state = await module.refresh(generation);
      if (state === "restarted") return findSlot(module.cryptoki, this.#options.token);
      throw state === "outdated" ? withHint(error, MADE_LATER) : error;
    }
  }

  async #detach(): Promise<void> {
    const pool = this.#pool;
    this.#pool = undefined;
    if (!pool) return;
    await pool.remove(this.#user);
    this.#module?.forget(pool);
  }

  #remember(error: unknown): void {
    if (isSignerError(error)) this.#lastError = error;
  }
}

const MADE_LATER =
  "Many libraries show only the tokens that were there when they started: to use a token made since, restart the application";

function withHint({ code, message, operation, cause }: SignerError, hint: string): SignerError {
  return new SignerError(code, `${message}. ${hint}`, { operation, cause });
}

function loggedOut(): SignerError {
  return new SignerError("BACKEND_UNAVAILABLE", "the user was logged out of the token; the next call logs in again", {
    operation: "C_GetSessionInfo",
    info: { returnValue: CKR.USER_NOT_LOGGED_IN },
  });
}

// Of different lengths, so that those who failed together do not come back together.
async function pause(attempt: number, signal: AbortSignal | undefined): Promise<void> {
  const longest = Math.min(FIRST_PAUSE_MS * 2 ** (attempt - 1), LONGEST_PAUSE_MS);
  await withDeadline((inner) => setTimeout(longest * (0.5 + Math.random() / 2), undefined, { signal: inner }), {
    signal,
  });
}
