import { assertArgument, getAddress } from "ethers";
import type { SignerError, SignerErrorCode } from "../core/errors.ts";
import type { RemoteKey } from "./remote-key.ts";

/** What is known of one replica of a `FailoverKey`. */
export interface ReplicaState {
  /** The replica's backend, for example `"cloudhsm"`. */
  readonly backend: string;
  /** The replica's own {@link RemoteKey.id}. */
  readonly id: string;
  /** It failed, and is left alone until its rest is over and a call to it has succeeded. */
  readonly resting: boolean;
  /** It holds another key than the account's, and signs nothing. It stays so: correct it, and construct a new key. */
  readonly excluded: boolean;
  /** The code of the failure for which it rests or is excluded. */
  readonly lastError: SignerErrorCode | undefined;
}

/** A replica was taken out of use for a while (`resting`) or for good (`excluded`), or is back (`recovered`). */
export interface FailoverEvent {
  /** It failed and rests; it answers again; or it holds another key and is out of use. */
  readonly type: "resting" | "recovered" | "excluded";
  /** How it stands now. */
  readonly replica: ReplicaState;
  /** Why; undefined for `recovered`. */
  readonly error: SignerError | undefined;
}

/** When a failover turns to the next replica, and back. */
export interface FailoverOptions {
  /**
   * The longest wait for one replica, in milliseconds: 1 to 2,147,483,647. Default: 10,000.
   *
   * The signer's own `timeout` (30,000 unless given) bounds the call as a whole: it should be at least `attemptTimeout` times
   * the number of replicas.
   */
  readonly attemptTimeout?: number | undefined;
  /**
   * How long a replica that failed is left alone before one call tries it again, in milliseconds: 1 to 2,147,483,647. Default:
   * 30,000. Each trial that fails doubles it, up to eight times this.
   */
  readonly failbackAfter?: number | undefined;
  /**
   * The account's address. A replica with another one is excluded with ADDRESS_MISMATCH, the preferred one too. Without
   * it, the preferred replica says who the account is, or, while that is out of reach, the first one that answers.
   */
  readonly expectedAddress?: string | undefined;
  /** Told of every change. It is called synchronously and must be quick; an error that it throws is uncaught. */
  readonly onSwitch?: ((event: FailoverEvent) => void) | undefined;
}

export interface CheckedFailoverOptions {
  readonly attemptTimeout: number;
  readonly failbackAfter: number;
  readonly expectedAddress: string | undefined;
  readonly onSwitch: ((event: FailoverEvent) => void) | undefined;
}

const DEFAULT_ATTEMPT_TIMEOUT = 10_000;
const DEFAULT_FAILBACK_AFTER = 30_000;
const MAX_MILLISECONDS = 2 ** 31 - 1;

/** @throws ethers' INVALID_ARGUMENT. */
export function checkFailoverOptions(options: FailoverOptions): CheckedFailoverOptions {
  const { attemptTimeout = DEFAULT_ATTEMPT_TIMEOUT, failbackAfter = DEFAULT_FAILBACK_AFTER } = options;
  const { expectedAddress, onSwitch } = options;
  checkMilliseconds("attemptTimeout", attemptTimeout);
  checkMilliseconds("failbackAfter", failbackAfter);
  assertArgument(
    onSwitch === undefined || typeof onSwitch === "function",
    "onSwitch must be a function",
    "onSwitch",
    onSwitch,
  );
  return {
    attemptTimeout,
    failbackAfter,
    expectedAddress: expectedAddress === undefined ? undefined : getAddress(expectedAddress),
    onSwitch,
  };
}

/** A copy of the list, which is not empty. @throws ethers' INVALID_ARGUMENT, which shows no key. */
export function checkReplicas(keys: readonly RemoteKey[]): readonly [RemoteKey, ...RemoteKey[]] {
  const [preferred, ...others] = keys;
  assertArgument(preferred !== undefined, "keys must hold at least one key", "keys", keys.length);
  const distinct = new Set(keys).size === keys.length;
  assertArgument(distinct, "keys must hold each key once", "keys", keys.length);
  return [preferred, ...others];
}

function checkMilliseconds(name: string, value: number): void {
  assertArgument(
    Number.isSafeInteger(value) && value >= 1 && value <= MAX_MILLISECONDS,
    `${name} must be a whole number of milliseconds from 1 to ${MAX_MILLISECONDS}`,
    name,
    value,
  );
}
