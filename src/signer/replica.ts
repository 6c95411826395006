import { SignerError, type SignerErrorCode } from "../core/errors.ts";
import { publicKeyFromSec1 } from "../core/public-key.ts";
import { bounded } from "./bounded.ts";
import { Circuit, type Passage } from "./circuit.ts";
import { replicaError } from "./failover-errors.ts";
import { linkedSignal } from "./linked-signal.ts";
import type { RemoteKey } from "./remote-key.ts";
import { Silence } from "./silence.ts";

export interface ReplicaOptions {
  /** Milliseconds. */
  readonly attemptTimeout: number;
  /** Milliseconds. */
  readonly failbackAfter: number;
  /** Aborts when the failover is closed. */
  readonly ending: AbortSignal;
  /** Judges the replica's public key, 65 bytes: it throws, usually after `exclude`, where it is not the account's. */
  readonly accept: (replica: Replica, publicKey: Uint8Array) => void;
  readonly onChange: (type: "resting" | "recovered" | "excluded", replica: Replica, error?: SignerError) => void;
}

/** What became of an attempt: a failure is the replica's own, so that another replica may do better. */
export type Outcome<T> = { readonly value: T } | { readonly failure: SignerError };

/** One of the keys of a failover: when it may be asked, how long, and whether its public key is the account's. */
export class Replica {
  readonly key: RemoteKey;
  readonly #options: ReplicaOptions;
  readonly #circuit: Circuit;
  #publicKey: Uint8Array | undefined;
  #checking: Promise<Uint8Array> | undefined;
  #excluded: SignerError | undefined;
  #lastError: SignerError | undefined;
  readonly #silence = new Silence();
  /** Aborts when it was found silent: whoever waits for it then goes on to the next replica. */
  #giveUp = new AbortController();

  constructor(key: RemoteKey, options: ReplicaOptions) {
    this.key = key;
    this.#options = options;
    this.#circuit = new Circuit(options.failbackAfter);
  }

  /** Why it is never asked again: it holds another key. */
  get excluded(): SignerError | undefined {
    return this.#excluded;
  }

  get ready(): boolean {
    return this.#circuit.ready;
  }

  get resting(): boolean {
    return this.#circuit.resting;
  }

  /** Failures in a row. */
  get failures(): number {
    return this.#circuit.failures;
  }

  /** The code of the failure for which it rests or is excluded. */
  get lastError(): SignerErrorCode | undefined {
    return this.#lastError?.code;
  }

  /** For good. @returns `error`, to be thrown. */
  exclude(error: SignerError): SignerError {
    this.#excluded = error;
    this.#lastError = error;
    this.#options.onChange("excluded", this, error);
    return error;
  }

  /** What carried its last answer is not used again, and its public key is asked for again before its next signature. */
  distrust(): void {
    this.#publicKey = undefined;
    this.key.distrust?.();
  }

  /**
   * Its public key, accepted as the account's: asked for once, however many wait.
   *
   * One waiter's abort ends that wait only; what they share ends with `attemptTimeout` or the failover.
   */
  async check(signal: AbortSignal): Promise<Uint8Array> {
    if (this.#publicKey) return this.#publicKey;
    this.#checking ??= this.#fetch().finally(() => {
      this.#checking = undefined;
    });
    const checking = this.#checking;
    return bounded(() => checking, { signal });
  }

  /**
   * Lets `call` ask this replica, no longer than `attemptTimeout`.
   *
   * @throws what concerns the request and not the replica: `signal`'s reason, errors of ethers.
   */
  async attempt<T>(
    operation: string,
    signal: AbortSignal | undefined,
    call: (signal: AbortSignal) => Promise<T>,
  ): Promise<Outcome<T>> {
    const passage = this.#circuit.enter();
    const began = this.#silence.begin();
    const linked = linkedSignal([signal, this.#giveUp.signal]);
    try {
      const value = await bounded(call, { signal: linked.signal, deadline: this.#deadline(operation) });
      this.#succeeded(passage);
      return { value };
    } catch (error) {
      const failure = signal?.aborted ? this.#silenceUntilAbort(operation) : replicaError(error, this.key, operation);
      if (failure && !this.#excluded && !this.#options.ending.aborted) this.#failed(passage, failure, began);
      else this.#circuit.left(passage);
      signal?.throwIfAborted();
      if (!failure) throw error;
      return { failure };
    } finally {
      linked.release();
      this.#silence.end();
    }
  }

  async #fetch(): Promise<Uint8Array> {
    const publicKey = await bounded((signal) => this.key.getPublicKey({ signal }), {
      signal: this.#options.ending,
      deadline: this.#deadline("getPublicKey"),
    });
    const uncompressed = publicKeyFromSec1(publicKey);
    this.#options.accept(this, uncompressed);
    this.#publicKey = uncompressed;
    return uncompressed;
  }

  #deadline(operation: string) {
    return { ms: this.#options.attemptTimeout, error: () => this.#timedOut(operation) };
  }

  #timedOut(operation: string): SignerError {
    const { backend, id } = this.key;
    const message =
      `${backend} did not answer within the attemptTimeout of ${this.#options.attemptTimeout} ms; check that it can be ` +
      "reached";
    return new SignerError("BACKEND_TIMEOUT", message, { backend, keyId: id, operation });
  }

  /** Callers less patient than `attemptTimeout` must not hide for ever that it answers none of them. */
  #silenceUntilAbort(operation: string): SignerError | undefined {
    return this.#silence.duration >= this.#options.attemptTimeout ? this.#timedOut(operation) : undefined;
  }

  #succeeded(passage: Passage): void {
    this.#silence.answered();
    if (!this.#circuit.succeeded(passage)) return;
    this.#lastError = undefined;
    this.#options.onChange("recovered", this);
  }

  #failed(passage: Passage, failure: SignerError, began: number): void {
    const timedOut = failure.code === "BACKEND_TIMEOUT";
    const silent = timedOut && this.#silence.unbrokenSince(began);
    if (!timedOut) this.#silence.answered();
    if (!this.#circuit.failed(passage)) return;
    this.#silence.restart();
    this.#lastError = failure;
    if (passage.kind === "normal") this.#options.onChange("resting", this, failure);
    if (!silent) return;
    const giveUp = this.#giveUp;
    this.#giveUp = new AbortController();
    giveUp.abort(failure);
  }
}
