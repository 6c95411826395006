import type { RawSignature } from "../core/signature.ts";
import type { SigningContent } from "./signing-content.ts";

/** What every call to a backend accepts. */
export interface CallOptions {
  /** Ends the wait for this call. The call then rejects with the signal's `reason`. */
  readonly signal?: AbortSignal | undefined;
}

export interface SignOptions extends CallOptions {
  /** What the digest was made of, where the caller says. */
  readonly content?: SigningContent | undefined;
}

/**
 * A secp256k1 key pair whose private half lives elsewhere. It can say its public key and sign a digest; nothing more.
 *
 * Implement it to bring a backend of your own: `RemoteSigner` takes any `RemoteKey`. What it answers is never trusted:
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
   * r and s are in 1..n-1; s may be high. The bytes are this call's own: nobody changes them before it settles.
   */
  signDigest(digest: Uint8Array, options?: SignOptions): Promise<RawSignature>;
  /**
   * Told when an answer of this key was not a signature of it over the digest. What carried that answer, a session or a
   * connection, may be out of step: it should not be used again. It must not throw.
   */
  distrust?(): void;
  /** Ends what the key opened: sessions, connections. Idempotent; later calls fail with SIGNER_CLOSED. */
  close?(): Promise<void>;
}
