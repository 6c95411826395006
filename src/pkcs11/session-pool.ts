import { isSignerError, SignerError } from "../core/errors.ts";
import { onAbort } from "../signer/on-abort.ts";
import { CallQueue, type PoolUser, type WaitingCall } from "./call-queue.ts";
import type { Cryptoki, TokenSlot } from "./cryptoki.ts";
import { recoveryFor, returnValueOf } from "./errors.ts";
import type { Login } from "./login.ts";
import type { ObjectGate } from "./object-gate.ts";
import { OpenSessions } from "./open-sessions.ts";
import { CKR } from "./return-values.ts";
import { Pkcs11Session, type SharedState } from "./session.ts";
import { TokenLogin } from "./token-login.ts";

/** How a pool stands. */
export interface PoolState {
  /** Sessions that wait for work. */
  readonly idle: number;
  /** Sessions that do a task, or are being opened for one. */
  readonly busy: number;
  /** Sessions whose call the caller has given up, and that have not returned from it yet. */
  readonly abandoned: number;
  /** Calls that wait for a session. */
  readonly waiting: number;
}

/** What a call is rejected with if its pool ended while it waited: its token is to be found again. */
export const POOL_ENDED = Symbol("the library was started again");

/**
 * The sessions of this process with one token, shared by every signer and store that uses it, during one start of the library.
 *
 * A session does one task at a time. The user is logged in once for all of them, by the first, and again after a logout by other
 * code.
 */
export class SessionPool {
  readonly slot: TokenSlot;
  readonly #cryptoki: Cryptoki;
  readonly #shared: SharedState;
  readonly #users = new Set<PoolUser>();
  readonly #waiting = new CallQueue();
  readonly #sessions = new OpenSessions();
  readonly #login: TokenLogin;
  /** As many as the most demanding of the users asks for; likewise the calls that may wait. */
  #size = 0;
  #maxQueue = 0;
  #opening = 0;
  #isSuspended = false;
  #isEnded = false;

  /** `gate` is the library's. */
  constructor(cryptoki: Cryptoki, slot: TokenSlot, gate: ObjectGate) {
    this.#cryptoki = cryptoki;
    const login = new TokenLogin(slot);
    this.#login = login;
    this.#shared = {
      gate,
      reserved: new Set(),
      get epoch() {
        return login.epoch;
      },
    };
    this.slot = slot;
  }

  get state(): PoolState {
    const { idle, busy, abandoned } = this.#sessions;
    return { idle, busy: busy + this.#opening, abandoned, waiting: this.#waiting.size };
  }

  get isUsed(): boolean {
    return this.#users.size > 0;
  }

  /** Whether the library was started again since: the token is to be found again, perhaps in another slot. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  add(user: PoolUser): void {
    this.#users.add(user);
    this.#fitUsers();
  }

  #fitUsers(): void {
    // Calls of the last user may still wait here when it has found the token in another slot.
    if (!this.isUsed) return;
    const users = [...this.#users];
    this.#size = Math.max(...users.map(({ sessions }) => sessions));
    this.#maxQueue = Math.max(...users.map(({ maxQueue }) => maxQueue));
  }

  /** Once the last user has left, the sessions are closed. */
  async remove(user: PoolUser): Promise<void> {
    this.#users.delete(user);
    this.#fitUsers();
    if (!this.isUsed) await this.#logOut();
    else this.#closeSurplus();
  }

  /**
   * `signal` lets a task leave the queue before its turn; once begun, it runs to its end, even if its caller has left.
   *
   * @param lane whose turn it waits for: the user's, or, for a task that has waited before, its own.
   * @throws {@link POOL_ENDED} if the library was started again before its turn.
   */
  async run<T>(
    user: PoolUser,
    task: (session: Pkcs11Session) => Promise<T>,
    signal: AbortSignal | undefined,
    lane: object,
  ): Promise<T> {
    await this.#requireSameUser(user.login, signal);
    const session = await this.#acquire(user, signal, lane);
    if (signal?.aborted) {
      this.#release(session, true);
      throw signal.reason;
    }
    const unlisten = signal && onAbort(signal, () => this.#abandon(session));
    let isUsable = false;
    try {
      if (this.#login.isStale) await this.#login.ensure(session, user.login, signal);
      const result = await task(session);
      isUsable = true;
      return result;
    } catch (error) {
      isUsable = leavesSessionUsable(error);
      // The others were probably lost with it; those that were opened since an earlier one was lost were not.
      if (isLoss(error) && !this.#sessions.isStale(session)) this.invalidate();
      throw error;
    } finally {
      unlisten?.();
      this.#release(session, isUsable);
    }
  }

  /** No session that is open now is used again, once it has done what it does. */
  invalidate(): void {
    this.#sessions.invalidate();
  }

  /** The login is checked before the next task. */
  invalidateLogin(): void {
    this.#login.invalidate();
  }

  /** Whether the token answers in a session of this pool that is open. */
  async isServing(): Promise<boolean> {
    if (this.#sessions.busy > 0) return true;
    const session = this.#sessions.take();
    if (!session) return false;
    const answers = await isAnswering(session);
    this.#release(session, answers);
    return answers;
  }

  /** Whether the token answers: its information can be read, and a session opened. A lost token may pass the second alone. */
  async probe(): Promise<boolean> {
    try {
      await this.#cryptoki.getTokenInfo(this.slot.handle);
      const session = await Pkcs11Session.open(this.#cryptoki, this.slot, this.#shared);
      const answers = await isAnswering(session);
      await session.close();
      return answers;
    } catch (error) {
      return returnValueOf(error) === CKR.SESSION_COUNT;
    }
  }

  /** Lends no session until `resume`. */
  suspend(): void {
    this.#isSuspended = true;
  }

  /** The library was not started again. */
  resume(): void {
    this.#isSuspended = false;
    this.#serve();
  }

  /** The library was started again: the sessions and the handles are gone, and the token may be in another slot. */
  end(): void {
    this.#isEnded = true;
    this.#sessions.drop();
    this.#login.forget();
    this.#waiting.rejectAll(POOL_ENDED);
  }

  #acquire(user: PoolUser, signal: AbortSignal | undefined, lane: object): Promise<Pkcs11Session> {
    signal?.throwIfAborted();
    if (this.#isEnded) throw POOL_ENDED;
    if (this.#waiting.size >= this.#maxQueue) {
      throw new SignerError(
        "THROTTLED",
        `${this.#waiting.size} calls wait for a session with the token already (maxQueue); send fewer at once, or raise ` +
          "sessions",
        { info: { ...this.state } },
      );
    }
    const session = this.#waiting.add(lane, user, signal);
    this.#serve();
    return session;
  }

  #serve(): void {
    while (!this.#isSuspended && this.#waiting.size > 0) {
      const session = this.#sessions.take();
      if (!session && !this.#mayOpen()) return;
      const call = this.#waiting.take() as WaitingCall;
      if (session) call.resolve(session);
      else void this.#openFor(call);
    }
  }

  // A session that hangs makes room for another, but not without end: each holds a thread.
  #mayOpen(): boolean {
    const { busy, abandoned } = this.#sessions;
    return busy + this.#opening < this.#size && abandoned < this.#size;
  }

  async #openFor({ user, signal, resolve, reject }: WaitingCall): Promise<void> {
    this.#opening += 1;
    try {
      const session = await this.#open(user.login, signal);
      this.#sessions.add(session, signal?.aborted ? "idle" : "busy");
      resolve(session);
    } catch (error) {
      reject(error);
    }
    this.#opening -= 1;
    this.#closeSurplus();
    this.#serve();
  }

  async #open(login: Login, signal: AbortSignal | undefined): Promise<Pkcs11Session> {
    const session = await Pkcs11Session.open(this.#cryptoki, this.slot, this.#shared);
    try {
      await this.#login.ensure(session, login, signal);
      return session;
    } catch (error) {
      this.#sessions.close(session);
      throw error;
    }
  }

  async #requireSameUser(login: Login, signal: AbortSignal | undefined): Promise<void> {
    if (!(await this.#login.isAnothers(login, signal))) return;
    if ([...this.#users].some((other) => this.#login.isAdmitted(other.login))) throw this.#login.refusal();
    await this.#logOut();
  }

  // A token logs the user out with the last session of the process.
  async #logOut(): Promise<void> {
    this.#login.forget();
    await this.#sessions.closeAll();
  }

  #abandon(session: Pkcs11Session): void {
    this.#sessions.abandon(session);
    this.#serve();
  }

  #release(session: Pkcs11Session, isUsable: boolean): void {
    this.#sessions.release(session, isUsable);
    this.#closeSurplus();
    this.#serve();
  }

  #closeSurplus(): void {
    if (!this.isUsed) void this.#sessions.closeAll();
    else this.#sessions.closeIdle(this.#sessions.idle + this.#sessions.busy + this.#opening - this.#size);
  }
}

function isAnswering(session: Pkcs11Session): Promise<boolean> {
  return session.isLoggedIn().then(
    () => true,
    () => false,
  );
}

function isLoss(error: unknown): boolean {
  const recovery = recoveryFor(error);
  return recovery === "new-session" || recovery === "reload-library";
}

// An error without a return value is about the key or the request, or the token was not asked at all.
function leavesSessionUsable(error: unknown): boolean {
  if (!isSignerError(error)) return true;
  return returnValueOf(error) === undefined && error.code !== "BACKEND_RESPONSE_INVALID";
}
