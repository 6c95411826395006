import type { SignerErrorCode } from "../../../src/core/errors.ts";
import type { RawSignature } from "../../../src/core/signature.ts";
import type { CallOptions, SignOptions } from "../../../src/signer/remote-key.ts";
import type { TestKey } from "../../../src/testing/test-key.ts";

/**
 * What a signer must make of an answer: a SignerError of this code; or `"accepted"`, where the answer is odd but right, and the
 * result is the honest key's.
 */
export type Expected = SignerErrorCode | "accepted";

/** Bytes that are no encoding of what they pretend to be. */
export interface MalformedBytes {
  /** What is wrong with them. */
  readonly name: string;
  /** The caller's own. */
  readonly bytes: Uint8Array;
  /** What a decoder must say: BACKEND_RESPONSE_INVALID; KEY_UNUSABLE for a well-formed key of another kind. */
  readonly code: SignerErrorCode;
}

/** A pair of numbers in place of the key's signature over the digest. Some are negative, or have more than 32 bytes. */
export interface HostileSignature {
  /** What the backend answers. */
  readonly name: string;
  /** The error that it must give. */
  readonly expected: Expected;
  /** `digest` has 32 bytes; not zeros, and not the same backwards, or two of the changes to it are none. */
  readonly make: (digest: Uint8Array, honest: TestKey) => RawSignature;
}

/** Any value at all in place of a public key, made from the right one: 65 bytes, SEC1 uncompressed. */
export interface HostilePublicKey {
  /** What the backend answers. */
  readonly name: string;
  /** The error that it must give. */
  readonly expected: Expected;
  /** Makes the answer of the right public key, 65 bytes. */
  readonly make: (publicKey: Uint8Array) => unknown;
}

/** A backend's two calls, answered with anything, thrown or rejected. Those that are absent are answered honestly. */
export interface Behaviour {
  /** What `getPublicKey` does; the key's own where it is left out. */
  readonly getPublicKey?: (options: CallOptions) => unknown;
  /** What `signDigest` does; the key's own where it is left out. */
  readonly signDigest?: (digest: Uint8Array, options: SignOptions) => unknown;
}

/** One way in which a backend fails. */
export interface HostileAnswer {
  /** What the backend does. */
  readonly name: string;
  /** The call that goes wrong. */
  readonly call: "getPublicKey" | "signDigest";
  /**
   * ADDRESS_MISMATCH takes a signer with `expectedAddress`; BACKEND_TIMEOUT takes all of the signer's `timeout`.
   */
  readonly expected: Expected;
  /** The failure mode, over the honest key. A new one each time, since some remember what they were asked. */
  readonly behave: (honest: TestKey) => Behaviour;
}
