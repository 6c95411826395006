import type { SignerError } from "../core/errors.ts";
import type { RawSignature } from "../core/signature.ts";
import type { CallAttempt } from "../telemetry/call-event.ts";
import type { KeyCustody } from "./custody.ts";
import type { SigningPayload } from "./payload.ts";

/** What every call to a backend accepts. */
export interface CallOptions {
  /** Ends the wait for this call. The call then rejects with the signal's `reason`. */
  readonly signal?: AbortSignal | undefined;
  /**
   * A key calls it after each request to its backend, for the audit and telemetry. It does not throw. It is passed to keys alone: a signer
   * ignores one that it is passed.
   */
  readonly onAttempt?: ((attempt: CallAttempt) => void) | undefined;
}

export interface SignOptions extends CallOptions {
  /** What the digest was made of, if the caller says so. */
  readonly payload?: SigningPayload | undefined;
  /**
   * A key calls it when the backend is told to sign, if a second attempt would not be the same call, for example as approvals are used up.
   * If the deadline ends the call afterwards, the error says that the outcome is unknown, and is not retryable. It is passed to keys alone:
   * a signer ignores one that it is passed.
   */
  readonly onCommitted?: (() => void) | undefined;
}

/** Whether a key could sign now. Backends add what they know. */
export interface KeyHealth {
  /** Whether nothing is known that would keep the key from signing. Nothing was signed to find out. */
  readonly ready: boolean;
  /** Why it is not ready; undefined if it is. */
  readonly error: SignerError | undefined;
}

/**
 * A secp256k1 key pair whose private half lives elsewhere. It returns its public key and signs a digest; nothing more.
 *
 * Implement it to bring a backend of your own: `RemoteSigner` accepts any `RemoteKey`. What it returns is never trusted:
 * every signature is checked against the public key before it leaves the signer. Errors should be `SignerError`s; those
 * of ethers pass through, and anything else becomes BACKEND_UNAVAILABLE with the original as its cause.
 */
export interface RemoteKey {
  /** The kind of backend, for example `"pkcs11"`. */
  readonly backend: string;
  /** The vendor's identifier of the key, printable and never a secret. */
  readonly id: string;
  /**
   * The public key: 65 bytes, SEC1 uncompressed (0x04, x, y).
   *
   * Called once per key, by any number of signers, unless it fails.
   */
  getPublicKey(options?: CallOptions): Promise<Uint8Array>;
  /**
   * Signs exactly these 32 bytes. It does not hash, prefix or domain-separate them.
   *
   * r and s are in 1..n-1; s may be high. A caller may change the bytes after the call: copy them before the first await.
   */
  signDigest(digest: Uint8Array, options?: SignOptions): Promise<RawSignature>;
  /**
   * Called after a response of this key was not a signature of it over the digest. The session or connection that carried it
   * may be out of step and should not be used again. It must not throw.
   *
   * @returns true if the same call may succeed now; it is then made once more.
   */
  invalidate?(): unknown;
  /** Checks that the identifier still names the pinned key, with a request of its own: KEY_CHANGED otherwise. */
  verifyIdentity?(options?: CallOptions): Promise<void>;
  /** Whether the key could sign now. It signs nothing, and rejects only with the signal's reason. */
  health?(options?: CallOptions): Promise<KeyHealth>;
  /** What the backend states about where the private key is kept, and its evidence, which it does not check. It may need further permissions. */
  custody?(options?: CallOptions): Promise<KeyCustody>;
  /** Ends what the key opened: sessions, connections. Idempotent; later calls fail with SIGNER_CLOSED. */
  close?(): Promise<void>;
}
