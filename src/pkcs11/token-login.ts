import { isSignerError, SignerError } from "../core/errors.ts";
import { withDeadline } from "../signer/deadline.ts";
import { onAbort } from "../signer/on-abort.ts";
import type { Login } from "./login.ts";
import { SerialQueue } from "./serial-queue.ts";
import type { Pkcs11Session } from "./session.ts";

/** The one login that a process has with a token, for all its sessions. */
export class TokenLogin {
  readonly #queue = new SerialQueue();
  readonly #attempts = new Map<Login, Promise<void>>();
  #isSuspect = false;
  #user: string | undefined;
  #epoch: object = {};

  /** Stands for what object handles are good for: one login of one start of the library. */
  get epoch(): object {
    return this.#epoch;
  }

  /** Who is logged in, where that is known. */
  get user(): string | undefined {
    return this.#user;
  }

  /** Whether somebody may have logged the user out: `ensure` it before the next task. */
  get isSuspect(): boolean {
    return this.#isSuspect;
  }

  invalidate(): void {
    this.#isSuspect = true;
  }

  /** Nobody is logged in any more: the last session was closed, or the library was started again. */
  forget(): void {
    this.#user = undefined;
    this.#epoch = {};
  }

  /**
   * Logs in unless the token says that this was done.
   *
   * @throws SignerError ACCESS_DENIED for a PIN that the token refuses, now or before.
   */
  async ensure(session: Pkcs11Session, login: Login, signal: AbortSignal | undefined): Promise<void> {
    if (!login.isNeeded) return;
    login.requireNotRefused();
    if (!(await session.isLoggedIn())) await this.#join(session, login, signal);
    this.#isSuspect = false;
  }

  /** PKCS#11 knows one CKU_USER per token and process; the users of AWS CloudHSM own different keys. */
  isAnothers({ user }: Login): boolean {
    return user !== undefined && this.#user !== undefined && user !== this.#user;
  }

  /** The error for who comes while another user is logged in. */
  refusal({ user }: Login): SignerError {
    return new SignerError(
      "ACCESS_DENIED",
      `this process is logged in to the token as ${this.#user} and cannot be ${user} at the same time; close the signers ` +
        `of ${this.#user} first, or take isolation: "process", which gives each user a process of its own`,
      { operation: "C_Login" },
    );
  }

  // However many sessions of one signer see that nobody is logged in, the PIN is asked for and used once.
  async #join(session: Pkcs11Session, login: Login, signal: AbortSignal | undefined): Promise<void> {
    const attempt = this.#attempts.get(login) ?? this.#start(session, login);
    // The caller's own function may hang: who comes later asks it anew.
    const unlisten = signal && onAbort(signal, () => this.#end(login, attempt));
    await withDeadline(() => attempt, { signal }).finally(unlisten);
  }

  #start(session: Pkcs11Session, login: Login): Promise<void> {
    const attempt = (async () => {
      const pin = await login.pin();
      await this.#queue.run(() => this.#use(session, login, pin));
    })();
    this.#attempts.set(login, attempt);
    const end = () => this.#end(login, attempt);
    attempt.then(end, end);
    return attempt;
  }

  #end(login: Login, attempt: Promise<void>): void {
    if (this.#attempts.get(login) === attempt) this.#attempts.delete(login);
  }

  async #use(session: Pkcs11Session, login: Login, pin: string): Promise<void> {
    login.requireNotRefused();
    // Another signer was faster.
    if (await session.isLoggedIn()) return;
    try {
      await session.login(pin);
    } catch (error) {
      if (isSignerError(error, "ACCESS_DENIED")) login.refuse(error);
      throw error;
    }
    this.#user = login.user;
    this.#epoch = {};
  }
}
