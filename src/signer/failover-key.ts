import { assertArgument } from "ethers";
import { equalBytes } from "../core/bytes.ts";
import { SignerError } from "../core/errors.ts";
import { addressFromPublicKey } from "../core/public-key.ts";
import { checkSignatureRange, type RawSignature } from "../core/signature.ts";
import { verifiedYParity } from "../core/y-parity.ts";
import { noReplica, replicaDiffers, replicaUnexpected } from "./failover-errors.ts";
import {
  type CheckedFailoverOptions,
  checkFailoverOptions,
  checkReplicas,
  type FailoverEvent,
  type FailoverOptions,
  type ReplicaState,
} from "./failover-options.ts";
import type { CallOptions, RemoteKey, SignOptions } from "./remote-key.ts";
import { Replica } from "./replica.ts";

/** The account, as the first replica that answered said. */
interface Pinned {
  readonly publicKey: Uint8Array;
  readonly keyId: string;
  /** A fallback said it, and neither the preferred replica nor an `expectedAddress` has confirmed it. */
  provisional: boolean;
}

/**
 * Several keys that hold the same secp256k1 key pair, in order of preference: clusters of CloudHSM, PKCS#11 slots or
 * libraries, replicas of a multi-Region key of AWS KMS. One that fails is passed over, and used again once it has recovered.
 *
 * Each call asks the most preferred replica that does not rest, then the next. Whatever concerns one replica (out of reach,
 * slow, throttled, login refused, key missing, a wrong answer) leads to the next one; a caller's mistake and an abort do not.
 * A replica that failed rests for `failbackAfter`; then a single call tries it. Where all rest, they are asked all the same.
 *
 * The public key of every replica is compared with the account's before its first signature, and each signature is verified
 * here, so that a wrong one leads to the next replica as well. A replica with another key is excluded and never signs.
 *
 * A digest may be signed by more than one replica, where the first one's answer came too late: at most one is returned. Do
 * not use it over keys that ask people for each signature.
 */
export class FailoverKey implements RemoteKey {
  /** The preferred replica's. */
  readonly backend: string;
  /** The identifiers of all replicas in order of preference, joined by `" | "`. */
  readonly id: string;
  readonly #options: CheckedFailoverOptions;
  readonly #replicas: readonly [Replica, ...Replica[]];
  readonly #ending = new AbortController();
  #pinned: Pinned | undefined;
  #contested: SignerError | undefined;
  #closing: Promise<void> | undefined;

  /**
   * Does no I/O. The keys are this one's from now on: `close()` closes them.
   *
   * @throws ethers' INVALID_ARGUMENT.
   */
  constructor(keys: readonly RemoteKey[], options: FailoverOptions = {}) {
    const [preferred, ...others] = checkReplicas(keys);
    const checked = checkFailoverOptions(options);
    const { attemptTimeout, failbackAfter } = checked;
    const replicaOptions = {
      attemptTimeout,
      failbackAfter,
      ending: this.#ending.signal,
      accept: (replica: Replica, publicKey: Uint8Array) => this.#accept(replica, publicKey),
      onChange: (type: FailoverEvent["type"], replica: Replica, error?: SignerError) =>
        this.#tell({ type, replica: stateOf(replica), error }),
    };
    this.#options = checked;
    this.#replicas = [new Replica(preferred, replicaOptions), ...others.map((key) => new Replica(key, replicaOptions))];
    this.backend = preferred.backend;
    this.id = keys.map((key) => key.id).join(" | ");
  }

  /**
   * The account's public key. The first answer is kept; it makes the other replicas be asked for theirs too, without waiting
   * for them, so that one with another key is found at the start and not on the day it is needed.
   */
  async getPublicKey({ signal }: CallOptions = {}): Promise<Uint8Array> {
    this.#requireUsable("getPublicKey");
    signal?.throwIfAborted();
    const publicKey =
      this.#pinned?.publicKey ??
      (await this.#first("getPublicKey", signal, (replica, attempt) => replica.check(attempt)));
    return publicKey.slice();
  }

  /** The signature is verified: it is the account's over this digest. s may be high. */
  async signDigest(digest: Uint8Array, { signal, content }: SignOptions = {}): Promise<RawSignature> {
    assertArgument(digest.length === 32, "invalid digest length", "digest", digest);
    // An attempt that was given up still holds its bytes when the call has long settled.
    const own = digest.slice();
    return this.#first("signDigest", signal, async (replica, attempt) => {
      const publicKey = await replica.check(attempt);
      const raw = await replica.key.signDigest(own.slice(), { signal: attempt, content });
      try {
        const signature = checkSignatureRange(raw);
        verifiedYParity(publicKey, own, signature);
        return signature;
      } catch (error) {
        replica.distrust();
        throw error;
      }
    });
  }

  /**
   * Distrusts every replica. Signatures are verified before they leave, and a wrong one made the replica that gave it distrusted
   * already; whoever refuses one all the same cannot say whose it was.
   */
  distrust(): void {
    for (const replica of this.#replicas) replica.distrust();
  }

  /** What is known of the replicas, in order of preference. It asks nobody. */
  state(): readonly ReplicaState[] {
    return this.#replicas.map(stateOf);
  }

  /** Closes every replica and waits for all; then the first error, in order of preference, is thrown. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#ending.abort(this.#closed("getPublicKey"));
    const ends = await Promise.allSettled(this.#replicas.map(async ({ key }) => key.close?.()));
    const failed = ends.find((end) => end.status === "rejected");
    if (failed) throw failed.reason;
  }

  async #first<T>(
    operation: string,
    signal: AbortSignal | undefined,
    call: (replica: Replica, attempt: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const failures = new Map<Replica, SignerError>();
    for (;;) {
      this.#requireUsable(operation);
      signal?.throwIfAborted();
      const replica = this.#next(failures);
      if (!replica) throw this.#allFailed(operation, failures);
      const outcome = await replica.attempt(operation, signal, (attempt) => call(replica, attempt));
      if ("value" in outcome) return outcome.value;
      failures.set(replica, outcome.failure);
    }
  }

  /** The most preferred one that may be asked; where none may, the one that failed least often, since one must be asked. */
  #next(tried: ReadonlyMap<Replica, unknown>): Replica | undefined {
    const left = this.#replicas.filter((replica) => !tried.has(replica) && !replica.excluded);
    return left.find((replica) => replica.ready) ?? left.sort((a, b) => a.failures - b.failures)[0];
  }

  #allFailed(operation: string, failures: ReadonlyMap<Replica, SignerError>): SignerError {
    const errors = this.#replicas.map((replica) => replica.excluded ?? failures.get(replica));
    return noReplica(errors as [SignerError, ...SignerError[]], this.#context(operation));
  }

  #accept(replica: Replica, publicKey: Uint8Array): void {
    const { expectedAddress } = this.#options;
    const preferred = replica === this.#replicas[0];
    const current = { keyId: replica.key.id, address: addressFromPublicKey(publicKey) };
    if (expectedAddress !== undefined && current.address !== expectedAddress)
      throw replica.exclude(replicaUnexpected(expectedAddress, current));
    const pinned = this.#pinned;
    if (!pinned) {
      const provisional = !preferred && expectedAddress === undefined;
      this.#pinned = { publicKey, keyId: current.keyId, provisional };
      this.#checkOthers(replica);
    } else if (equalBytes(pinned.publicKey, publicKey)) {
      if (preferred) pinned.provisional = false;
    } else {
      const previous = { keyId: pinned.keyId, address: addressFromPublicKey(pinned.publicKey) };
      const error = replicaDiffers(previous, current);
      // Nobody can say which of the two is the account.
      if (preferred && pinned.provisional) this.#contested = error;
      throw replica.exclude(error);
    }
  }

  #checkOthers(answered: Replica): void {
    for (const replica of this.#replicas) {
      if (replica === answered || replica.resting || replica.excluded) continue;
      // Nobody waits for it: its state and onSwitch tell of a failure.
      replica.attempt("getPublicKey", undefined, (signal) => replica.check(signal)).catch(() => {});
    }
  }

  #tell(event: FailoverEvent): void {
    try {
      this.#options.onSwitch?.(event);
    } catch (error) {
      // The listener's own fault: it must not fail a signature, and must not go unseen.
      queueMicrotask(() => {
        throw error;
      });
    }
  }

  #requireUsable(operation: string): void {
    if (this.#closing) throw this.#closed(operation);
    if (this.#contested) throw this.#contested;
  }

  #closed(operation: string): SignerError {
    return new SignerError("SIGNER_CLOSED", "the key was closed; construct a new one", this.#context(operation));
  }

  #context(operation: string) {
    return { backend: this.backend, keyId: this.id, operation };
  }
}

function stateOf(replica: Replica): ReplicaState {
  const { backend, id } = replica.key;
  const { resting, lastError } = replica;
  return { backend, id, resting, excluded: replica.excluded !== undefined, lastError };
}
