import { isSignerError, SignerError } from "../core/errors.ts";
import { withDeadline } from "../signer/deadline.ts";
import type { CallOptions } from "../signer/remote-key.ts";
import type { Call } from "./send.ts";

interface CallsOptions {
  /** What the calls belong to, for messages. */
  readonly what: "key" | "store";
  /** Its vendor's identifier. */
  readonly id: string;
  readonly vaultUrl: string;
  /** The longest wait for one call, in milliseconds. */
  readonly timeout: number;
}

/** The calls of one key or of one store: each has a deadline and its context in errors, and closing waits for them. */
export class Calls {
  readonly backend = "azure-key-vault";
  readonly #options: CallsOptions;
  /** These, and those that they are within. */
  readonly #lineage: readonly Calls[];
  readonly #running = new Set<Promise<unknown>>();
  #closed = false;

  /** @param parent whose closing ends these calls too. */
  constructor(options: CallsOptions, parent?: Calls) {
    this.#options = options;
    this.#lineage = [this, ...(parent ? parent.#lineage : [])];
  }

  /** The same for calls that a store's closing ends as well. */
  within(parent: Calls): Calls {
    return new Calls(this.#options, parent);
  }

  /** @throws SignerError SIGNER_CLOSED after closing; BACKEND_TIMEOUT; whatever `task` throws, with its context. */
  async run<T>(operation: string, { signal }: CallOptions, task: (call: Call) => Promise<T>): Promise<T> {
    const { id, vaultUrl, timeout } = this.#options;
    const context = { backend: this.backend, keyId: id, operation };
    const closed = this.#lineage.find((calls) => calls.#closed);
    if (closed) {
      throw new SignerError("SIGNER_CLOSED", `the ${closed.#options.what} was closed; construct a new one`, context);
    }
    const endsAt = performance.now() + timeout;
    const error = () => {
      const message = `${vaultUrl} did not answer within ${timeout} ms; check that it can be reached, or raise timeout`;
      return new SignerError("BACKEND_TIMEOUT", message, context);
    };
    const running = withDeadline((inner) => task({ signal: inner, endsAt, vaultUrl, context }), {
      signal,
      deadline: { ms: timeout, error },
    });
    for (const calls of this.#lineage) calls.#running.add(running);
    try {
      return await running;
    } catch (failure) {
      throw isSignerError(failure) ? failure.withContext(context) : failure;
    } finally {
      for (const calls of this.#lineage) calls.#running.delete(running);
    }
  }

  /** Refuses later calls, and waits for those that run already. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#running);
  }
}
