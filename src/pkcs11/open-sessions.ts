import type { Pkcs11Session } from "./session.ts";

/**
 * The sessions that this process has open with one token, and what each does.
 *
 * One that failed is not used again, nor is one whose caller has left: it may be stuck in the operation. The last session stays
 * open in any case, since its end logs the user out.
 */
export class OpenSessions {
  readonly #idle: Pkcs11Session[] = [];
  readonly #busy = new Set<Pkcs11Session>();
  /** Those whose caller has left, and that have not returned from the call yet. */
  readonly #abandoned = new Set<Pkcs11Session>();
  /** Not to be used again once they have done what they do. */
  readonly #stale = new WeakSet<Pkcs11Session>();
  readonly #closing = new Set<Promise<void>>();
  #last: Pkcs11Session | undefined;

  get idle(): number {
    return this.#idle.length;
  }

  get busy(): number {
    return this.#busy.size;
  }

  get abandoned(): number {
    return this.#abandoned.size;
  }

  /** An idle session, which is busy from now on. */
  take(): Pkcs11Session | undefined {
    const session = this.#idle.pop();
    if (session) this.#busy.add(session);
    return session;
  }

  /** A session that was opened just now. */
  add(session: Pkcs11Session, use: "idle" | "busy"): void {
    if (use === "busy") this.#busy.add(session);
    else this.#idle.push(session);
    this.#closeLast();
  }

  /** The caller has left: what only waits for its turn in the library ends. */
  abandon(session: Pkcs11Session): void {
    this.#busy.delete(session);
    this.#abandoned.add(session);
    session.abandon();
  }

  /** It has returned from its call. */
  release(session: Pkcs11Session, isUsable: boolean): void {
    const isAbandoned = this.#abandoned.delete(session);
    this.#busy.delete(session);
    if (isUsable && !isAbandoned && !this.#stale.has(session)) this.#idle.push(session);
    else this.#retire(session);
  }

  isStale(session: Pkcs11Session): boolean {
    return this.#stale.has(session);
  }

  /** None of now is used again, once it has done what it does. */
  invalidate(): void {
    for (const session of [...this.#busy, ...this.#abandoned]) this.#stale.add(session);
    for (const session of this.#idle.splice(0)) this.#retire(session);
  }

  /** They have ended with the library. */
  drop(): void {
    for (const session of [...this.#busy, ...this.#abandoned]) this.#stale.add(session);
    this.#idle.length = 0;
    this.#last = undefined;
  }

  /** Closes so many idle ones, as far as there are. */
  closeIdle(count: number): void {
    for (const session of this.#idle.splice(0, Math.max(count, 0))) this.close(session);
  }

  /** Closes the idle ones and the last one. */
  async closeAll(): Promise<void> {
    this.closeIdle(this.#idle.length);
    this.#closeLast();
    await Promise.all(this.#closing);
  }

  close(session: Pkcs11Session): void {
    const closing = session.close().finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }

  #retire(session: Pkcs11Session): void {
    if (this.#idle.length + this.#busy.size + this.#abandoned.size > 0) {
      this.close(session);
    } else {
      this.#closeLast();
      this.#last = session;
    }
  }

  #closeLast(): void {
    if (this.#last) this.close(this.#last);
    this.#last = undefined;
  }
}
