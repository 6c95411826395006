import { assertArgument, getAddress, type Signature } from "ethers";
import { isSignerError, SignerError, type SignerErrorCode } from "../core/errors.ts";
import type { RawSignature } from "../core/signature.ts";
import { CircuitBreaker } from "./circuit-breaker.ts";
import { type CustodyReport, LEVELS } from "./custody.ts";
import { withDeadline } from "./deadline.ts";
import { FAILS_OVER, noReplica } from "./failover-errors.ts";
import { Guard } from "./guard.ts";
import { copyDigest } from "./payload.ts";
import type { CallOptions, KeyHealth, RemoteKey, SignOptions } from "./remote-key.ts";
import { snapshot } from "./snapshot.ts";
import {
  type CustodyOptions,
  checkTimeout,
  type Identity,
  type RemoteSignerOptions,
  type SigningKey,
  VerifiedKey,
} from "./verified-key.ts";

/** What is known of one replica of a `FailoverKey`. */
export interface ReplicaState {
  /** The replica's backend, for example `"cloudhsm"`. */
  readonly backend: string;
  /** The replica's own {@link RemoteKey.id}. */
  readonly id: string;
  /**
   * `closed`: in use. `open`: it failed, and is not called before the reset timeout is over. `half-open`: one call probes it. `excluded`: it has
   * another key than the account's and signs nothing, until it is corrected and a new FailoverKey constructed.
   */
  readonly state: "closed" | "open" | "half-open" | "excluded";
  /** The code of the failure for which it is not in use. */
  readonly lastError: SignerErrorCode | undefined;
}

/** A replica failed (`open`), is back in use (`closed`), or has another key (`excluded`). */
export interface FailoverEvent {
  /** Its state now. */
  readonly replica: ReplicaState;
  /** Why; undefined if it is back in use. */
  readonly error: SignerError | undefined;
}

/** Whose account it is, and when a failover calls the next replica, and the former again. */
export interface FailoverOptions extends RemoteSignerOptions {
  /** The account's address. It decides which replicas are the account's: one with another key is excluded, ADDRESS_MISMATCH. */
  readonly expectedAddress: string;
  /** The longest wait for one replica, in milliseconds: 1 to 2,147,483,647. Default: `timeout` divided by the number of replicas, at most 10,000. */
  readonly attemptTimeout?: number | undefined;
  /**
   * For how long a replica that failed is not called, in milliseconds: 1 to 2,147,483,647. Default: 30,000. Each probe that
   * fails doubles it, up to eight times this.
   */
  readonly resetTimeout?: number | undefined;
  /** Called at every change, synchronously: it must be quick. An error that it throws is uncaught. */
  readonly onStateChange?: ((event: FailoverEvent) => void) | undefined;
}

/** How the preferred replica is, and each of them. */
export interface FailoverHealth extends KeyHealth {
  /** Each replica's own, in order of preference. */
  readonly replicas: readonly KeyHealth[];
}

interface Replica {
  readonly key: VerifiedKey;
  readonly breaker: CircuitBreaker;
  excluded?: SignerError;
  lastError?: SignerError | undefined;
}

const MAX_ATTEMPT_TIMEOUT = 10_000;
const DEFAULT_RESET_TIMEOUT = 30_000;

/**
 * Several keys that hold the same secp256k1 key pair, in order of preference: clusters of CloudHSM, PKCS#11 slots or
 * libraries, replicas of a multi-Region key of AWS KMS. If one fails, the next one signs, until the former has recovered.
 *
 * Each call uses the most preferred replica whose circuit is closed, then the next. What concerns one replica (out of reach,
 * slow, throttled, login refused, key missing, a wrong response) leads to the next one; a caller's mistake and an abort do not, and
 * count against no replica. If all circuits are open, the replicas are called anyway. Each signature is verified as with a single key.
 *
 * A digest may be signed by more than one replica, if the first one's response came too late: at most one signature is returned. Do
 * not use it over keys that ask people for each signature.
 */
export class FailoverKey implements RemoteKey, SigningKey {
  /** The preferred replica's. */
  readonly backend: string;
  /** The identifiers of all replicas in order of preference, joined by `" | "`. */
  readonly id: string;
  /** The `expectedAddress`, with the checksum of EIP-55. */
  readonly knownAddress: string;
  readonly #timeout: number;
  readonly #onStateChange: FailoverOptions["onStateChange"];
  readonly #replicas: readonly [Replica, ...Replica[]];
  readonly #guard: Guard | undefined;
  #identity: Identity | undefined;
  #closing: Promise<void> | undefined;

  /**
   * Does no I/O. `close()` closes the keys.
   *
   * @throws ethers' INVALID_ARGUMENT.
   */
  constructor(keys: readonly RemoteKey[], options: FailoverOptions) {
    const { expectedAddress, timeout, verifier, requireCustody, observer } = options;
    const { attemptTimeout, resetTimeout, onStateChange } = options;
    const [preferred, ...others] = keys;
    assertArgument(preferred !== undefined, "keys must hold at least one key", "keys", keys.length);
    assertArgument(new Set(keys).size === keys.length, "keys must hold each key once", "keys", keys.length);
    assertArgument(
      onStateChange === undefined || typeof onStateChange === "function",
      "onStateChange must be a function",
      "onStateChange",
      typeof onStateChange,
    );
    assertArgument(
      typeof expectedAddress === "string",
      "expectedAddress is needed",
      "expectedAddress",
      expectedAddress,
    );
    this.knownAddress = getAddress(expectedAddress);
    this.#timeout = checkTimeout(timeout);
    this.#guard = Guard.from(options, this.#timeout);
    this.#onStateChange = onStateChange;
    const share = Math.max(1, Math.floor(this.#timeout / keys.length));
    const ms = checkTimeout(attemptTimeout ?? Math.min(share, MAX_ATTEMPT_TIMEOUT), "attemptTimeout");
    const reset = checkTimeout(resetTimeout ?? DEFAULT_RESET_TIMEOUT, "resetTimeout");
    const replica = (key: RemoteKey): Replica => ({
      key: new VerifiedKey(key, { expectedAddress, timeout: ms, verifier, requireCustody, observer }),
      breaker: new CircuitBreaker(reset),
    });
    this.#replicas = [replica(preferred), ...others.map(replica)];
    this.backend = preferred.backend;
    this.id = keys.map((key) => key.id).join(" | ");
  }

  /** The public key and the address, of the first replica that responds. Its first response causes the others to be checked. */
  async identity({ signal }: CallOptions): Promise<Identity> {
    if (this.#identity && !this.#closing) return this.#identity;
    this.#identity = await this.#first("getPublicKey", signal, (key, options) => key.identity(options));
    this.#checkOthers();
    return this.#identity;
  }

  async sign(digest: Uint8Array, { signal, payload }: SignOptions): Promise<Signature> {
    if (!this.#guard) return this.#sign(digest, { signal, payload });
    const account = { backend: this.backend, id: this.id, address: this.knownAddress };
    const sign = (onAttempt: SignOptions["onAttempt"]) => this.#sign(digest, { signal, payload, onAttempt });
    return this.#guard.sign(account, digest, { signal, payload }, sign);
  }

  async #sign(digest: Uint8Array, { signal, payload, onAttempt }: SignOptions): Promise<Signature> {
    const signature = await this.#first("signDigest", signal, (key, options) =>
      key.sign(digest, { ...options, payload, onAttempt }),
    );
    this.#checkOthers();
    return signature;
  }

  /** Fetches the public keys of the replicas that were not called yet, so that one with another key is found before it is needed. */
  #checkOthers(): void {
    for (const replica of this.#replicas) {
      if (replica.key.knownAddress !== undefined || replica.breaker.state !== "closed" || replica.excluded) continue;
      // No caller waits for it: its state and onStateChange report a failure.
      this.#attempt(replica, undefined, (key) => key.identity({})).catch(() => {});
    }
  }

  /** The account's public key: 65 bytes, SEC1 uncompressed. */
  async getPublicKey(options: CallOptions = {}): Promise<Uint8Array> {
    const { publicKey } = await this.identity(options);
    return publicKey.slice();
  }

  /** The signature is verified, with low s. */
  async signDigest(digest: Uint8Array, { signal, payload }: SignOptions = {}): Promise<RawSignature> {
    const { r, s } = await this.sign(copyDigest(digest), { signal, payload: snapshot(payload, "payload") });
    return { r: BigInt(r), s: BigInt(s) };
  }

  /** Asks every replica. @throws SignerError KEY_CHANGED or ADDRESS_MISMATCH of any replica; what all of them failed with. */
  async verifyIdentity(options: CallOptions = {}): Promise<void> {
    const outcomes = await Promise.allSettled(this.#replicas.map(({ key }) => key.verifyIdentity(options)));
    options.signal?.throwIfAborted();
    const errors = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason] : []));
    const changed = errors.find(
      (error) => isSignerError(error, "KEY_CHANGED") || isSignerError(error, "ADDRESS_MISMATCH"),
    );
    if (changed) throw changed;
    if (errors.length === this.#replicas.length) throw noReplica(errors as [SignerError], this.#context("verifyKey"));
  }

  /** Ready if any replica is. The preferred replica's own health stands beside `replicas`. */
  async health(options: CallOptions = {}): Promise<FailoverHealth> {
    const replicas = await Promise.all(this.#replicas.map(({ key }) => key.health(options)));
    const [preferred] = replicas as [KeyHealth];
    const ready = replicas.some((each) => each.ready);
    return { ...preferred, ready, error: ready ? undefined : preferred.error, replicas };
  }

  /** Of all replicas: their findings, and the weakest of their levels. It fails if a replica cannot be asked. */
  async custody(options: CustodyOptions = {}): Promise<CustodyReport> {
    const replicas = await Promise.all(this.#replicas.map(({ key }) => key.custody(options)));
    const level = LEVELS.find((each) => replicas.some((replica) => replica.level === each)) ?? "unknown";
    const findings = replicas.flatMap((replica) => replica.findings);
    const { publicKey } = replicas[0] as CustodyReport;
    const identity = { backend: this.backend, keyId: this.id, address: this.knownAddress, publicKey };
    return { ...identity, level, findings, attestation: undefined, replicas };
  }

  /** What is known of the replicas, in order of preference. It calls none. */
  state(): readonly ReplicaState[] {
    return this.#replicas.map(stateOf);
  }

  /** Closes every replica and waits for all; then the first error, in order of preference, is thrown. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#closeReplicas();
    return this.#closing;
  }

  async #closeReplicas(): Promise<void> {
    const outcomes = await Promise.allSettled(this.#replicas.map(({ key }) => key.close()));
    const failed = outcomes.find((outcome) => outcome.status === "rejected");
    if (failed) throw failed.reason;
  }

  async #first<T>(
    operation: string,
    signal: AbortSignal | undefined,
    call: (key: VerifiedKey, options: { signal: AbortSignal }) => Promise<T>,
  ): Promise<T> {
    const ms = this.#timeout;
    const timedOut = () =>
      new SignerError("BACKEND_TIMEOUT", `none of the key's replicas signed within ${ms} ms`, this.#context(operation));
    return withDeadline(
      async (either) => {
        const failures = new Map<Replica, SignerError>();
        for (let replica = this.#next(failures); replica; replica = this.#next(failures)) {
          const outcome = await this.#attempt(replica, either, (key) => call(key, { signal: either }));
          if ("value" in outcome) return outcome.value;
          failures.set(replica, outcome.failure);
        }
        const errors = this.#replicas.map((replica) => failures.get(replica) ?? replica.excluded);
        throw noReplica(errors as [SignerError, ...SignerError[]], this.#context(operation));
      },
      { signal, deadline: { ms, error: timedOut } },
    );
  }

  /** The most preferred one that may be called; if there is none, the one that failed least often, since one must be called. */
  #next(tried: ReadonlyMap<Replica, unknown>): Replica | undefined {
    const left = this.#replicas.filter((replica) => !tried.has(replica) && !replica.excluded);
    return (
      left.find(({ breaker }) => breaker.isReady) ?? left.sort((a, b) => a.breaker.failures - b.breaker.failures)[0]
    );
  }

  /** @throws what concerns the request and not the replica: the signal's reason, errors of ethers, any failure after `close()`. */
  async #attempt<T>(
    replica: Replica,
    signal: AbortSignal | undefined,
    call: (key: VerifiedKey) => Promise<T>,
  ): Promise<{ readonly value: T } | { readonly failure: SignerError }> {
    const permit = replica.breaker.acquire();
    try {
      const value = await call(replica.key);
      if (replica.breaker.succeed(permit)) this.#report(replica, undefined);
      return { value };
    } catch (failure) {
      if (signal?.aborted || this.#closing || !isSignerError(failure) || !FAILS_OVER[failure.code]) {
        replica.breaker.release(permit);
        throw failure;
      }
      const counts = replica.breaker.fail(permit);
      const isExcluded = failure.code === "ADDRESS_MISMATCH";
      if (isExcluded) replica.excluded = failure;
      if (isExcluded || (counts && permit.kind === "normal")) this.#report(replica, failure);
      else if (counts) replica.lastError = failure;
      return { failure };
    }
  }

  #report(replica: Replica, error: SignerError | undefined): void {
    replica.lastError = error;
    try {
      this.#onStateChange?.({ replica: stateOf(replica), error });
    } catch (thrown) {
      // The listener's own fault: it must neither fail a signature nor go unnoticed.
      queueMicrotask(() => {
        throw thrown;
      });
    }
  }

  #context(operation: string) {
    return { backend: this.backend, keyId: this.id, operation };
  }
}

function stateOf({ key, breaker, excluded, lastError }: Replica): ReplicaState {
  const { backend, id } = key;
  return { backend, id, state: excluded ? "excluded" : breaker.state, lastError: lastError?.code };
}
