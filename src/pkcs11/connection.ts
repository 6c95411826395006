import { assertArgument } from "ethers";
import { isSignerError, SignerError } from "../core/errors.ts";
import { bounded } from "../signer/bounded.ts";
import { loadModule } from "./module.ts";
import type { CheckedToken } from "./options.ts";
import { SerialQueue } from "./serial-queue.ts";
import { Pkcs11Session } from "./session.ts";
import { findSlot } from "./slot.ts";

/**
 * One logged-in session with a token, shared by whoever has work for it, one task at a time.
 *
 * It is opened by the first task. A task that fails closes it, and the next one opens another: object handles are good for
 * one session only.
 */
export class Pkcs11Connection {
  readonly #options: CheckedToken;
  readonly #queue = new SerialQueue();
  #session: Pkcs11Session | undefined;
  #loginRefused: SignerError | undefined;
  #closed = false;

  /** Does no I/O. */
  constructor(options: CheckedToken) {
    this.#options = options;
  }

  /** `signal` lets a task leave the queue before its turn; once begun, it runs to its end. */
  async run<T>(task: (session: Pkcs11Session) => Promise<T>, signal?: AbortSignal): Promise<T> {
    if (this.#closed) throw new SignerError("SIGNER_CLOSED", "the store was closed; construct a new one");
    return this.#queue.run(async () => {
      try {
        this.#session ??= await this.#open(signal);
        return await task(this.#session);
      } catch (error) {
        this.#discardSession();
        throw error;
      }
    }, signal);
  }

  /** Waits for the tasks that run or wait already, then closes the session. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#queue.run(async () => this.#discardSession());
  }

  async #open(signal: AbortSignal | undefined): Promise<Pkcs11Session> {
    if (this.#loginRefused) throw this.#loginRefused;
    const cryptoki = await loadModule(this.#options.libraryPath);
    // The caller's own function may hang: the calls that wait behind this one must not.
    const pin = await bounded(() => this.#pin(), { signal });
    const session = Pkcs11Session.open(cryptoki, findSlot(cryptoki, this.#options.token));
    try {
      if (pin !== undefined) this.#login(session, pin);
      return session;
    } catch (error) {
      session.close();
      throw error;
    }
  }

  async #pin(): Promise<string | undefined> {
    const { pin } = this.#options;
    if (typeof pin !== "function") return pin;
    const given: unknown = await pin();
    assertArgument(typeof given === "string" && given.length > 0, "pin() must give text", "pin", "[REDACTED]");
    return given;
  }

  #login(session: Pkcs11Session, pin: string): void {
    try {
      session.login(pin);
    } catch (error) {
      // Tokens lock after a few wrong PINs (AWS CloudHSM after five): this one is never tried again.
      if (isSignerError(error, "ACCESS_DENIED")) this.#loginRefused = error;
      throw error;
    }
  }

  #discardSession(): void {
    this.#session?.close();
    this.#session = undefined;
  }
}
