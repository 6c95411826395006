import { assertArgument, getAddress, hexlify, Signature, toBeHex } from "ethers";
import { invalidResponse, isSignerError, SignerError, type SignerErrorContext } from "../core/errors.ts";
import { addressFromPublicKey, publicKeyFromSec1 } from "../core/public-key.ts";
import { checkSignatureRange, toLowS } from "../core/signature.ts";
import { type Verifier, verifySignature } from "../core/verify.ts";
import type { CallAttempt, CallObserver, CallOperation } from "../telemetry/call-event.ts";
import { checkObserver, observeCall } from "../telemetry/observe-call.ts";
import type { AuditSink } from "./audit-sink.ts";
import {
  type AttestationVerifier,
  type CustodyReport,
  type CustodyRequirement,
  checkRequirement,
  enforceCustody,
  judgeCustody,
} from "./custody.ts";
import { timeoutError, withDeadline } from "./deadline.ts";
import { Guard } from "./guard.ts";
import type { CallOptions, KeyHealth, RemoteKey, SignOptions } from "./remote-key.ts";
import type { SigningPolicy } from "./signing-policy.ts";

/** What every signer over a remote key accepts. */
export interface RemoteSignerOptions {
  /** The address that the key must have, checked before anything is signed: ADDRESS_MISMATCH otherwise. */
  readonly expectedAddress?: string | undefined;
  /** The longest wait for one call of the backend, in milliseconds: 1 to 2,147,483,647. Default: 30,000. */
  readonly timeout?: number | undefined;
  /**
   * Verifies each signature in place of `@noble/curves`: `nativeVerifier()` of `ethers-hsm/secp256k1`, for processes that sign
   * thousands a second. It decides what leaves the signer: pass only code that you trust as much as this package.
   */
  readonly verifier?: Verifier | undefined;
  /**
   * Decides before each signature, whichever method or adapter asks: `definePolicy` of `ethers-hsm/policy`. It waits for approvals outside
   * `timeout`. Default: none, everything is signed.
   */
  readonly policy?: SigningPolicy | undefined;
  /** Records each request before the key is asked, and its outcome afterwards; what cannot be recorded is not signed. Default: none. */
  readonly audit?: AuditSink | undefined;
  /**
   * How the private key must be kept, checked once, when the public key is fetched and before anything is signed: KEY_UNUSABLE otherwise. It
   * needs the permissions of `custody()`.
   */
  readonly requireCustody?: CustodyRequirement | undefined;
  /** Watches the calls of the key: `openTelemetry()` of `ethers-hsm/opentelemetry`, or your own. It changes none of them. Default: none. */
  readonly observer?: CallObserver | undefined;
}

/** How a key's custody is looked at. */
export interface CustodyOptions extends CallOptions {
  /** Verifies what an HSM signed about the key: `verifyAttestation` of `ethers-hsm/attestation`. Without it no key is `proven-hsm`. */
  readonly verifyAttestation?: AttestationVerifier | undefined;
}

/** What is known of a key after its public key was fetched. */
export interface Identity {
  /** 65 bytes, SEC1 uncompressed. */
  readonly publicKey: Uint8Array;
  /** With the checksum of EIP-55. */
  readonly address: string;
}

/** What a signer signs with: a {@link VerifiedKey}, or several of them in a `FailoverKey`. */
export interface SigningKey {
  readonly backend: string;
  readonly id: string;
  /** undefined until the public key was fetched. */
  readonly knownAddress: string | undefined;
  identity(options: CallOptions): Promise<Identity>;
  /** `digest` is 32 bytes that nothing changes. The signature is verified, with low s. */
  sign(digest: Uint8Array, options: SignOptions): Promise<Signature>;
  verifyIdentity(options: CallOptions): Promise<void>;
  health(options: CallOptions): Promise<KeyHealth>;
  custody(options: CustodyOptions): Promise<CustodyReport>;
  close(): Promise<void>;
}

const DEFAULT_TIMEOUT = 30_000;
const MAX_TIMEOUT = 2 ** 31 - 1;

/** A number of milliseconds that a timer can run. @throws ethers' INVALID_ARGUMENT. */
export function checkTimeout(timeout = DEFAULT_TIMEOUT, name = "timeout"): number {
  assertArgument(
    Number.isSafeInteger(timeout) && timeout >= 1 && timeout <= MAX_TIMEOUT,
    `${name} must be an integer number of milliseconds from 1 to ${MAX_TIMEOUT}`,
    name,
    timeout,
  );
  return timeout;
}

/**
 * One remote key and what is known of it, shared by every signer that `connect()` makes: the one fetch of the public key,
 * the one deadline of each call, and the only place from which a signature leaves.
 */
export class VerifiedKey implements SigningKey {
  readonly backend: string;
  readonly id: string;
  readonly #key: RemoteKey;
  readonly #timeout: number;
  readonly #expectedAddress: string | undefined;
  readonly #verifier: Verifier;
  readonly #guard: Guard | undefined;
  readonly #requireCustody: CustodyRequirement | undefined;
  readonly #observer: CallObserver | undefined;
  #fetching: Promise<Identity> | undefined;
  #identity: Identity | undefined;
  #closing: Promise<void> | undefined;
  readonly #ending = new AbortController();

  constructor(key: RemoteKey, options: RemoteSignerOptions) {
    const { expectedAddress, timeout, verifier = verifySignature, requireCustody } = options;
    this.#expectedAddress = expectedAddress === undefined ? undefined : getAddress(expectedAddress);
    this.#timeout = checkTimeout(timeout);
    assertArgument(typeof verifier === "function", "verifier must be a function", "verifier", typeof verifier);
    this.#verifier = verifier;
    this.#guard = Guard.from(options, this.#timeout);
    this.#requireCustody = checkRequirement(requireCustody);
    this.#observer = checkObserver(options.observer);
    this.#key = key;
    this.backend = key.backend;
    this.id = key.id;
  }

  get knownAddress(): string | undefined {
    return this.#identity?.address;
  }

  /** Fetched once, however many calls wait; a failure is not kept. One caller's abort does not end the fetch of the others. */
  async identity({ signal }: CallOptions): Promise<Identity> {
    this.#requireOpen("getPublicKey");
    signal?.throwIfAborted();
    if (this.#identity) return this.#identity;
    this.#fetching ??= this.#fetchIdentity().finally(() => {
      this.#fetching = undefined;
    });
    const fetching = this.#fetching;
    return withDeadline(() => fetching, { signal });
  }

  async sign(digest: Uint8Array, { signal, payload, onAttempt }: SignOptions): Promise<Signature> {
    const { publicKey, address } = await this.identity({ signal });
    if (!this.#guard) return this.#sign(publicKey, digest, { signal, payload, onAttempt });
    const sign = (onAttempt: CallOptions["onAttempt"]) => this.#sign(publicKey, digest, { signal, payload, onAttempt });
    return this.#guard.sign({ backend: this.backend, id: this.id, address }, digest, { signal, payload }, sign);
  }

  async #sign(
    publicKey: Uint8Array,
    digest: Uint8Array,
    { signal, payload, onAttempt }: SignOptions,
  ): Promise<Signature> {
    this.#requireOpen("signDigest");
    let isCommitted = false;
    const onCommitted = () => {
      isCommitted = true;
    };
    const sign = async ({ onAttempt: observe, ...options }: CallOptions) => {
      const tell = (attempt: CallAttempt) => {
        observe?.(attempt);
        onAttempt?.(attempt);
      };
      for (let isRetry = false; ; isRetry = true) {
        // The key gets a copy: the signature is checked against the digest that was asked for, whatever the key does to the bytes.
        const raw = await this.#key.signDigest(digest.slice(), { ...options, payload, onCommitted, onAttempt: tell });
        try {
          const { r, s } = toLowS(checkSignatureRange(raw));
          const yParity = this.#verifier(publicKey, digest, { r, s });
          if (yParity !== 0 && yParity !== 1) throw signatureMismatch();
          return Signature.from({ r: toBeHex(r, 32), s: toBeHex(s, 32), yParity });
        } catch (error) {
          if (this.#key.invalidate?.() !== true || isRetry) throw error;
        }
      }
    };
    return this.#call("signDigest", signal, sign, () => isCommitted);
  }

  /** By the key's own request, if it has one; else by fetching the public key once more. */
  async verifyIdentity({ signal }: CallOptions): Promise<void> {
    const pinned = await this.identity({ signal });
    await this.#call("verifyKey", signal, async (options) => {
      if (this.#key.verifyIdentity) return this.#key.verifyIdentity(options);
      const { address } = await this.#fetch(options);
      if (address === pinned.address) return;
      const message = `the key ${this.id} was the account ${pinned.address} and is ${address} now`;
      throw new SignerError("KEY_CHANGED", `${message}; construct a new signer for the new account`, {
        info: { previous: { keyId: this.id, address: pinned.address }, current: { keyId: this.id, address } },
      });
    });
  }

  /** By the key's own means, if it has some; else it is ready if {@link verifyIdentity} succeeds. */
  async health({ signal }: CallOptions): Promise<KeyHealth> {
    try {
      this.#requireOpen("health");
      const { health } = this.#key;
      if (health) return await this.#call("health", signal, (options) => health.call(this.#key, options));
      await this.verifyIdentity({ signal });
      return { ready: true, error: undefined };
    } catch (error) {
      if (isSignerError(error)) return { ready: false, error };
      throw error;
    }
  }

  /** What the key states, and what its evidence proves about the account's public key. */
  async custody({ signal, verifyAttestation }: CustodyOptions): Promise<CustodyReport> {
    const identity = await this.identity({ signal });
    return this.#call("custody", signal, (options) => this.#reportCustody(identity, verifyAttestation, options));
  }

  async #reportCustody(
    { publicKey, address }: Identity,
    verify: AttestationVerifier | undefined,
    options: CallOptions,
  ): Promise<CustodyReport> {
    const custody = (await this.#key.custody?.(options)) ?? { findings: [] };
    const identity = { backend: this.backend, keyId: this.id, address, publicKey: hexlify(publicKey) };
    return { ...identity, ...judgeCustody(custody, publicKey, verify) };
  }

  /**
   * Closes the key, once, and waits for that no longer than for any call; every later call fails with SIGNER_CLOSED, and so does
   * the fetch of the public key, if it is in flight.
   */
  close(): Promise<void> {
    this.#closing ??= this.#call("close", undefined, async () => this.#key.close?.());
    this.#ending.abort(this.#closedError("getPublicKey"));
    return this.#closing;
  }

  async #fetchIdentity(): Promise<Identity> {
    this.#identity = await this.#call("getPublicKey", this.#ending.signal, async (options) => {
      const identity = await this.#fetch(options);
      const required = this.#requireCustody;
      if (required) enforceCustody(await this.#reportCustody(identity, required.verifyAttestation, options), required);
      return identity;
    });
    if (this.#verifier === verifySignature) warmUp(this.#identity.publicKey);
    return this.#identity;
  }

  async #fetch(options: CallOptions): Promise<Identity> {
    const bytes = await this.#key.getPublicKey(options);
    const publicKey = publicKeyFromSec1(bytes);
    if (bytes.length !== publicKey.length) {
      throw invalidResponse(`the backend's public key has ${bytes.length} bytes instead of 65 (SEC1 uncompressed)`);
    }
    const address = addressFromPublicKey(publicKey);
    const expected = this.#expectedAddress;
    if (expected === undefined || expected === address) return { publicKey, address };
    throw new SignerError(
      "ADDRESS_MISMATCH",
      `the key ${this.id} is the account ${address}, not the expectedAddress ${expected}; correct one of the two`,
      { info: { expected, actual: address } },
    );
  }

  #requireOpen(operation: string): void {
    if (this.#closing) throw this.#closedError(operation);
  }

  #closedError(operation: string): SignerError {
    return new SignerError("SIGNER_CLOSED", "the signer was closed; construct a new one", this.#context(operation));
  }

  async #call<T>(
    operation: keyof typeof OPERATIONS,
    signal: AbortSignal | undefined,
    call: (options: CallOptions & { signal: AbortSignal }) => Promise<T>,
    isCommitted = () => false,
  ): Promise<T> {
    const context = this.#context(operation);
    const ms = this.#timeout;
    const timedOut = (waitedFor: string | undefined) => {
      if (!isCommitted()) return timeoutError(this.backend, waitedFor, ms, context);
      const message = `${this.backend} did not respond within ${ms} ms`;
      const unknown =
        "after it was told to sign: it is unknown whether it signed. Look at the chain before you ask again";
      const info = { reason: "outcome-unknown" };
      return new SignerError("BACKEND_TIMEOUT", `${message} ${unknown}`, { ...context, retryable: false, info });
    };
    const watched = { backend: this.backend, operation: OPERATIONS[operation], signal, observer: this.#observer };
    return observeCall(watched, (onAttempt) =>
      withDeadline(
        async (either) => {
          try {
            return await call({ signal: either, onAttempt });
          } catch (error) {
            throw withContext(error, context);
          }
        },
        { signal, deadline: { ms, error: timedOut } },
      ),
    );
  }

  #context(operation: string): SignerErrorContext {
    return { backend: this.backend, keyId: this.id, operation };
  }
}

/** What telemetry calls the operations. */
const OPERATIONS = {
  getPublicKey: "public-key",
  signDigest: "sign",
  verifyKey: "verify-key",
  health: "health",
  custody: "custody",
  close: "close",
} as const satisfies Record<string, CallOperation>;

let isWarm = false;

/** Verifies once in vain, when the first public key comes: noble's code is slow until it is compiled, and no signature waits yet. */
function warmUp(publicKey: Uint8Array): void {
  if (!isWarm) verifySignature(publicKey, publicKey.slice(33), { r: 2n ** 255n, s: 2n ** 254n - 1n });
  isWarm = true;
}

function signatureMismatch(): SignerError {
  return new SignerError(
    "SIGNATURE_MISMATCH",
    "the signature is not by the expected key over the requested digest; nothing was returned. Check that the key " +
      "behind the identifier has not changed and that the backend signs digests as they are, without hashing them",
  );
}

function withContext(error: unknown, context: SignerErrorContext): unknown {
  if (isSignerError(error)) return error.withContext(context);
  if (isEthersError(error)) return error;
  const message = `${context.backend} failed with an unexpected error; see the cause`;
  return new SignerError("BACKEND_UNAVAILABLE", message, { ...context, retryable: false, cause: error });
}

/** Whether `error` is one of ethers, of any copy of it: a caller's mistake, or something that ethers cannot do. */
export function isEthersError(error: unknown): boolean {
  const { code, shortMessage } = (error ?? {}) as { code?: unknown; shortMessage?: unknown };
  return typeof code === "string" && typeof shortMessage === "string";
}
