import { isSignerError, SignerError, type SignerErrorContext } from "../core/errors.ts";
import { nameWaiting, timeoutError, withDeadline } from "../signer/deadline.ts";
import type { CallOptions } from "../signer/remote-key.ts";
import type { CallObserver, CallOperation } from "../telemetry/call-event.ts";
import { observeCall } from "../telemetry/observe-call.ts";

/** What the requests of one call share. */
export interface Call {
  /** Aborts with the caller's signal, and at a store's deadline. */
  readonly signal: AbortSignal;
  /** The deadline, by `performance.now()`: no retry may begin later. */
  readonly endsAt: number;
  /** Called after each request of the call. */
  readonly onAttempt?: CallOptions["onAttempt"];
  /** Backend, key and operation, for errors. */
  readonly context: SignerErrorContext;
  /** Says whom the call waits for before the backend is asked, as the source of the credentials; undefined once it is asked. */
  readonly nameWaiting: (who: () => string | undefined) => void;
  /** Set while the last response asked for fewer requests: a call that ends so was throttled, and not without a response. */
  isThrottled?: boolean;
}

export interface CallsOptions {
  /** The kind of backend, for example `"aws-kms"`. */
  readonly backend: string;
  /** What `close()` closes, for the error of every later call. */
  readonly what: "key" | "store";
  /** The vendor's identifier of the key or the store. */
  readonly id: string;
  /** The longest wait for one call, in milliseconds. A store's calls end then; a key's are ended by the signer that uses the key. */
  readonly timeout: number;
  /** A store's. The calls of a key are watched by its signer's. */
  readonly observer?: CallObserver | undefined;
}

/** What telemetry calls a store's operations. */
const STORE_OPERATIONS: Readonly<Record<string, CallOperation | undefined>> = {
  list: "list",
  createKey: "create",
  importKey: "import",
  health: "health",
};

/** The calls of one key or one store: each has a deadline and its context in errors, and closing waits for them. */
export class Calls {
  readonly #options: CallsOptions;
  /** These, and those of the store that the key belongs to. */
  readonly #lineage: readonly Calls[];
  readonly #inFlight = new Set<Promise<unknown>>();
  #isClosed = false;

  /** @param parent the store's calls: closing the store closes these too. */
  constructor(options: CallsOptions, parent?: Calls) {
    this.#options = options;
    this.#lineage = parent ? [this, ...parent.#lineage] : [this];
  }

  /**
   * @param keyId the key that a store's call is about. Default: the id of the key or the store.
   * @throws SignerError SIGNER_CLOSED after `close()`; BACKEND_TIMEOUT; the error of `task`, with its context; the signal's reason.
   */
  async run<T>(
    operation: string,
    { signal, onAttempt, keyId }: CallOptions & { readonly keyId?: string | undefined },
    task: (call: Call) => Promise<T>,
  ): Promise<T> {
    const { backend, what, id, timeout: ms, observer } = this.#options;
    const context = { backend, keyId: keyId ?? id, operation };
    this.requireOpen(operation);
    const endsAt = performance.now() + ms;
    const call = { endsAt, context, isThrottled: false };
    const timedOut = (waitedFor: string | undefined) =>
      call.isThrottled
        ? new SignerError(
            "THROTTLED",
            `${id} asked for fewer requests for ${ms} ms; send fewer, or raise timeout`,
            context,
          )
        : timeoutError(id, waitedFor, ms, context);
    const deadline = what === "store" ? { ms, error: timedOut } : undefined;
    const make = (onAttempt: CallOptions["onAttempt"]) => {
      const perform = (inner: AbortSignal) => {
        // A key's signer has the deadline, and its signal here.
        const signals = signal ? [inner, signal] : [inner];
        const name = (who: () => string | undefined) => {
          for (const each of signals) nameWaiting(each, who);
        };
        return task(Object.assign(call, { signal: inner, nameWaiting: name, onAttempt }));
      };
      return withDeadline(perform, { signal, deadline });
    };
    const watched = what === "store" ? STORE_OPERATIONS[operation] : undefined;
    const running = watched ? observeCall({ backend, operation: watched, signal, observer }, make) : make(onAttempt);
    for (const calls of this.#lineage) calls.#inFlight.add(running);
    try {
      return await running;
    } catch (error) {
      throw isSignerError(error) ? error.withContext(context) : error;
    } finally {
      for (const calls of this.#lineage) calls.#inFlight.delete(running);
    }
  }

  /** @throws SignerError SIGNER_CLOSED after `close()` of the key, or of its store. */
  requireOpen(operation: string): void {
    const closed = this.#lineage.find((calls) => calls.#isClosed);
    if (!closed) return;
    const { backend, id: keyId } = this.#options;
    const message = `the ${closed.#options.what} was closed; construct a new one`;
    throw new SignerError("SIGNER_CLOSED", message, { backend, keyId, operation });
  }

  /** Refuses later calls, and waits for those in flight. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled(this.#inFlight);
  }
}
