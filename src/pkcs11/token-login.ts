import { isSignerError, SignerError } from "../core/errors.ts";
import { withDeadline } from "../signer/deadline.ts";
import { onAbort } from "../signer/on-abort.ts";
import type { TokenSlot } from "./cryptoki.ts";
import { returnValueOf } from "./errors.ts";
import { type Credentials, isSameUser, type Login } from "./login.ts";
import { CKR } from "./return-values.ts";
import type { Pkcs11Session } from "./session.ts";

// After these the token counts a wrong PIN, or has counted too many.
const REFUSED: readonly (number | undefined)[] = [
  CKR.PIN_INCORRECT,
  CKR.PIN_INVALID,
  CKR.PIN_LEN_RANGE,
  CKR.PIN_LOCKED,
];

// What tokens have refused, by token, user and PIN: it is not tried again in this process.
const refused = new Map<string, SignerError>();
// The signers and stores that it was: their PIN functions are not asked again.
const refusedLogins = new WeakMap<Login, SignerError>();

/** The one login that a process has with a token, for all its sessions. */
export class TokenLogin {
  readonly #slot: TokenSlot;
  /** One use of a PIN at a time. */
  #turn: Promise<unknown> = Promise.resolve();
  readonly #attempts = new Attempts<void>();
  readonly #readings = new Attempts<Credentials>();
  #isStale = false;
  /** Whose login it is. */
  #current: Credentials | undefined;
  #admitted = new WeakSet<Login>();
  #epoch: object = {};

  constructor(slot: TokenSlot) {
    this.#slot = slot;
  }

  /** Stands for what object handles are good for: one login of one start of the library. */
  get epoch(): object {
    return this.#epoch;
  }

  /** Whether the user may have been logged out: `ensure` the login before the next task. */
  get isStale(): boolean {
    return this.#isStale;
  }

  invalidate(): void {
    this.#isStale = true;
  }

  /** The user is logged out: the last session was closed, or the library was started again. */
  forget(): void {
    this.#current = undefined;
    this.#admitted = new WeakSet();
    this.#epoch = {};
  }

  /** Whether this is known to be a login of the user who is logged in. */
  isAdmitted(login: Login): boolean {
    return this.#admitted.has(login);
  }

  /** PKCS#11 has one CKU_USER per token and process; the users of AWS CloudHSM own different keys. */
  async isAnothers(login: Login, signal: AbortSignal | undefined): Promise<boolean> {
    requireNotRefused(login);
    if (!this.#current || this.isAdmitted(login) || !login.isNeededFor(this.#slot)) return false;
    const credentials = await this.#readings.join(login, signal, () => login.read());
    return this.#current !== undefined && !this.#admit(login, credentials, this.#current);
  }

  /** The error for a second user. */
  refusal(): SignerError {
    const { user = "another user, or with another PIN" } = this.#current ?? {};
    return new SignerError(
      "ACCESS_DENIED",
      `this process is logged in to the token as ${user}, and has one login at a time; close that user's signers and stores first, ` +
        'or pass each its own user and isolation: "process", which gives each user a process of its own',
      { operation: "C_Login" },
    );
  }

  /**
   * Logs in unless the token says that this was done.
   *
   * @throws SignerError ACCESS_DENIED for a PIN that the token refuses, now or before, and for a second user.
   */
  async ensure(session: Pkcs11Session, login: Login, signal: AbortSignal | undefined): Promise<void> {
    if (!login.isNeededFor(this.#slot)) return;
    requireNotRefused(login);
    if (!this.isAdmitted(login) || !(await session.isLoggedIn())) {
      // However many sessions of one signer are not logged in, the PIN is asked for and used once.
      await this.#attempts.join(login, signal, async () => {
        const credentials = await login.read();
        const use = this.#turn.then(() => this.#use(session, login, credentials));
        this.#turn = use.catch(() => undefined);
        await use;
      });
    }
    this.#isStale = false;
  }

  async #use(session: Pkcs11Session, login: Login, credentials: Credentials): Promise<void> {
    requireNotRefused(login);
    if (this.#current && !this.#admit(login, credentials, this.#current)) throw this.refusal();
    // Another signer was faster, or other code of this process.
    if (!(await session.isLoggedIn())) {
      // To another token, which may be in the slot by now, this PIN would be a wrong one.
      await session.requireSameToken();
      await usePin(login, credentials, this.#slot, (pin) => session.login(pin));
      this.#epoch = {};
    }
    this.#current = credentials;
    this.#admitted.add(login);
  }

  #admit(login: Login, credentials: Credentials, current: Credentials): boolean {
    const isSame = isSameUser(credentials, current);
    if (isSame) this.#admitted.add(login);
    return isSame;
  }
}

/**
 * Tries a PIN: `use` passes it to the token.
 *
 * @throws what `use` throws; a refusal of the PIN without trying it, if the token has refused it before.
 */
export async function usePin<T>(
  login: Login,
  { user, pin, mark }: Credentials,
  slot: TokenSlot,
  use: (pin: string) => Promise<T>,
): Promise<T> {
  const key = JSON.stringify([slot.identity, user ?? null, mark]);
  try {
    const refusal = refused.get(key);
    if (refusal) throw refusal;
    return await use(pin ?? "");
  } catch (error) {
    // A wrong PIN at the token's own pad may be a slip.
    if (pin !== undefined && isSignerError(error) && REFUSED.includes(returnValueOf(error))) {
      refused.set(key, error);
      refusedLogins.set(login, error);
    }
    throw error;
  }
}

function requireNotRefused(login: Login): void {
  const refusal = refusedLogins.get(login);
  if (refusal) throw refusal;
}

/** One attempt of each login at a time, which all callers that come meanwhile wait for. */
class Attempts<T> {
  readonly #running = new Map<Login, Promise<T>>();

  async join(login: Login, signal: AbortSignal | undefined, start: () => Promise<T>): Promise<T> {
    const attempt = this.#running.get(login) ?? this.#start(login, start);
    // The caller's own PIN function may hang: later calls ask it again.
    const unlisten = signal && onAbort(signal, () => this.#end(login, attempt));
    return withDeadline(() => attempt, { signal }).finally(unlisten);
  }

  #start(login: Login, start: () => Promise<T>): Promise<T> {
    const attempt = start();
    this.#running.set(login, attempt);
    const end = () => this.#end(login, attempt);
    attempt.then(end, end);
    return attempt;
  }

  #end(login: Login, attempt: Promise<T>): void {
    if (this.#running.get(login) === attempt) this.#running.delete(login);
  }
}
