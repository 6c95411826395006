import { isSignerError, SignerError } from "../core/errors.ts";
import { withDeadline } from "../signer/deadline.ts";
import { onAbort } from "../signer/on-abort.ts";
import { isEthersError } from "../signer/verified-key.ts";
import type { CallObserver, CallOperation } from "../telemetry/call-event.ts";
import { type OnAttempt, observeCall } from "../telemetry/observe-call.ts";
import type { Wait } from "./object-index.ts";
import type { Pkcs11Session } from "./session.ts";
import type { Pkcs11Token } from "./token.ts";

/** What telemetry calls the operations. */
const OPERATIONS = {
  list: "list",
  health: "health",
  createKey: "create",
  importKey: "import",
} as const satisfies Record<string, CallOperation>;

type StoreOperation = keyof typeof OPERATIONS;
type Task<T> = (session: Pkcs11Session, wait: Wait) => Promise<T>;

/** A store's calls with its token, each with its timeout. Failures are SignerErrors that name the backend and the operation. */
export class StoreCalls {
  readonly #token: Pkcs11Token;
  readonly #backend: string;
  readonly #timeout: number;
  readonly #observer: CallObserver | undefined;

  constructor(token: Pkcs11Token, backend: string, timeout: number, observer: CallObserver | undefined) {
    this.#token = token;
    this.#backend = backend;
    this.#timeout = timeout;
    this.#observer = observer;
  }

  /** Reads from the token, logged in, and again after a failure that can be recovered from. An abort ends the wait at once. */
  read<T>(operation: StoreOperation, signal: AbortSignal | undefined, task: Task<T>): Promise<T> {
    return this.#call(operation, signal, (wait, onAttempt) => {
      const loggedIn = async (session: Pkcs11Session) => {
        await this.#token.requireLogin(session);
        return task(session, wait);
      };
      return withDeadline((inner) => this.#token.run(loggedIn, { signal: inner, onAttempt }), { signal: wait.signal });
    });
  }

  /** Makes something on the token, in one attempt. An abort is honoured by the task, once it has removed what it has made. */
  make<T>(operation: StoreOperation, signal: AbortSignal | undefined, task: Task<T>): Promise<T> {
    return this.#call(operation, signal, (wait, onAttempt) => {
      const options = { signal: wait.signal, onAttempt, retryable: false };
      const made = this.#token.run((session) => task(session, wait), options);
      const timedOut = new Promise<never>((_, reject) => {
        wait.signal.addEventListener("abort", () => signal?.aborted || reject(wait.signal.reason));
      });
      return Promise.race([made, timedOut]);
    });
  }

  #call<T>(
    operation: StoreOperation,
    signal: AbortSignal | undefined,
    call: (wait: Wait, onAttempt: OnAttempt | undefined) => Promise<T>,
  ): Promise<T> {
    const [backend, observer] = [this.#backend, this.#observer];
    return observeCall({ backend, operation: OPERATIONS[operation], signal, observer }, (onAttempt) =>
      this.#withTimeout(operation, signal, (wait) => call(wait, onAttempt)),
    );
  }

  async #withTimeout<T>(
    operation: StoreOperation,
    signal: AbortSignal | undefined,
    call: (wait: Wait) => Promise<T>,
  ): Promise<T> {
    const context = { backend: this.#backend, operation };
    const ended = new AbortController();
    const expire = () => ended.abort(new SignerError("BACKEND_TIMEOUT", silent(this.#timeout), context));
    const timer = setTimeout(expire, this.#timeout);
    const unlisten = signal && onAbort(signal, () => ended.abort(signal.reason));
    try {
      signal?.throwIfAborted();
      return await call({ signal: ended.signal, progress: () => timer.refresh() });
    } catch (error) {
      if (isSignerError(error)) throw error.withContext(context);
      if ((signal?.aborted && error === signal.reason) || isEthersError(error)) throw error;
      const message =
        "the store failed with an error that is not the token's, for example of the pin function; see the cause";
      throw new SignerError("BACKEND_UNAVAILABLE", message, { ...context, retryable: false, cause: error });
    } finally {
      clearTimeout(timer);
      unlisten?.();
    }
  }
}

function silent(ms: number): string {
  return (
    `the token has not answered for ${ms} ms; check the HSM and its network, or raise timeout. A key that it still makes is ` +
    "removed"
  );
}
