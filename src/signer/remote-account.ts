import { assertArgument, getAddress, Signature, toBeHex } from "ethers";
import { invalidResponse, isSignerError, SignerError, type SignerErrorContext } from "../core/errors.ts";
import { addressFromPublicKey, publicKeyFromSec1 } from "../core/public-key.ts";
import { checkSignatureRange, toLowS } from "../core/signature.ts";
import { readable } from "../core/thrown.ts";
import { verifiedYParity } from "../core/y-parity.ts";
import { bounded } from "./bounded.ts";
import { isEthersError } from "./ethers-error.ts";
import type { RemoteKey, SignOptions } from "./remote-key.ts";

/** What every signer over a remote key takes. */
export interface RemoteSignerOptions {
  /** The address that the key must have, checked before anything is signed: ADDRESS_MISMATCH otherwise. */
  readonly expectedAddress?: string | undefined;
  /** The longest wait for one call of the backend, in milliseconds: 1 to 2,147,483,647. Default: 30,000. */
  readonly timeout?: number | undefined;
}

/** What is known of a key once its public key was fetched. */
export interface Identity {
  /** 65 bytes, SEC1 uncompressed. */
  readonly publicKey: Uint8Array;
  /** With the checksum of EIP-55. */
  readonly address: string;
}

const DEFAULT_TIMEOUT = 30_000;
const MAX_TIMEOUT = 2 ** 31 - 1;

/** The `timeout` in milliseconds, or its default. @throws ethers' INVALID_ARGUMENT where no timer can run that long. */
export function checkTimeout(timeout = DEFAULT_TIMEOUT): number {
  assertArgument(
    Number.isSafeInteger(timeout) && timeout >= 1 && timeout <= MAX_TIMEOUT,
    `timeout must be a whole number of milliseconds from 1 to ${MAX_TIMEOUT}`,
    "timeout",
    timeout,
  );
  return timeout;
}

/**
 * One remote key and what is known of it, shared by every signer that `connect()` makes: the one fetch of the public key,
 * the deadline of its calls, and the one place where a backend's signature is checked.
 */
export class RemoteAccount {
  readonly backend: string;
  readonly keyId: string;
  readonly #key: RemoteKey;
  readonly #timeout: number;
  readonly #expectedAddress: string | undefined;
  #fetching: Promise<Identity> | undefined;
  #identity: Identity | undefined;
  #closing: Promise<void> | undefined;

  constructor(key: RemoteKey, options: RemoteSignerOptions) {
    const { expectedAddress, timeout } = options;
    this.#expectedAddress = expectedAddress === undefined ? undefined : getAddress(expectedAddress);
    this.#timeout = checkTimeout(timeout);
    this.#key = key;
    this.backend = key.backend;
    this.keyId = key.id;
  }

  /** The address where it is known already; it fetches nothing. */
  get knownAddress(): string | undefined {
    return this.#identity?.address;
  }

  /** The public key and the address: fetched once, whoever asks and however many ask at once; a failure is not kept. */
  async identity(signal?: AbortSignal): Promise<Identity> {
    this.#requireOpen("getPublicKey");
    signal?.throwIfAborted();
    if (this.#identity) return this.#identity;
    this.#fetching ??= this.#fetchIdentity().finally(() => {
      this.#fetching = undefined;
    });
    const fetching = this.#fetching;
    // One caller's abort ends that caller's wait, not the fetch that the others share.
    return bounded(() => fetching, { signal });
  }

  /** Signs a digest of 32 bytes, which must be the account's own copy, and returns a verified signature with low s. */
  async signDigest(digest: Uint8Array, { signal, content }: SignOptions): Promise<Signature> {
    const { publicKey } = await this.identity(signal);
    this.#requireOpen("signDigest");
    // The key gets a copy: whatever it does to the bytes, the signature is checked against the digest that was asked for.
    return this.#call("signDigest", signal, async (options) => {
      const raw = await this.#key.signDigest(digest.slice(), { ...options, content });
      try {
        const { r, s } = toLowS(checkSignatureRange(raw));
        const yParity = verifiedYParity(publicKey, digest, { r, s });
        return Signature.from({ r: toBeHex(r, 32), s: toBeHex(s, 32), yParity });
      } catch (error) {
        this.#key.distrust?.();
        throw error;
      }
    });
  }

  /** Closes the key, once, and waits for that no longer than for any call; every later call fails with SIGNER_CLOSED. */
  close(): Promise<void> {
    this.#closing ??= this.#call("close", undefined, async () => this.#key.close?.());
    return this.#closing;
  }

  async #fetchIdentity(): Promise<Identity> {
    this.#identity = await this.#call("getPublicKey", undefined, async (options) => {
      const publicKey = requireUncompressed(await this.#key.getPublicKey(options));
      const address = addressFromPublicKey(publicKey);
      this.#checkAddress(address);
      return { publicKey, address };
    });
    return this.#identity;
  }

  #checkAddress(actual: string): void {
    const expected = this.#expectedAddress;
    if (expected === undefined || expected === actual) return;
    throw new SignerError(
      "ADDRESS_MISMATCH",
      `the key ${this.keyId} is the account ${actual}, not the expectedAddress ${expected}; correct one of the two`,
      { info: { expected, actual } },
    );
  }

  #requireOpen(operation: string): void {
    if (!this.#closing) return;
    throw new SignerError("SIGNER_CLOSED", "the signer was closed; construct a new one", this.#context(operation));
  }

  async #call<T>(
    operation: string,
    signal: AbortSignal | undefined,
    call: (options: { signal: AbortSignal }) => Promise<T>,
  ): Promise<T> {
    const context = this.#context(operation);
    const ms = this.#timeout;
    const timedOut = () => {
      const message = `${this.backend} did not answer within ${ms} ms; check that it can be reached, or raise timeout`;
      return new SignerError("BACKEND_TIMEOUT", message, context);
    };
    return bounded(
      async (innerSignal) => {
        try {
          return await call({ signal: innerSignal });
        } catch (error) {
          throw withContext(error, context);
        }
      },
      { signal, deadline: { ms, error: timedOut } },
    );
  }

  #context(operation: string): SignerErrorContext {
    return { backend: this.backend, keyId: this.keyId, operation };
  }
}

function requireUncompressed(bytes: Uint8Array): Uint8Array {
  const publicKey = publicKeyFromSec1(bytes);
  if (bytes.length === publicKey.length) return publicKey;
  throw invalidResponse(`the backend's public key has ${bytes.length} bytes instead of 65 (SEC1 uncompressed)`);
}

function withContext(error: unknown, context: SignerErrorContext): unknown {
  if (isSignerError(error)) return error.withContext(context);
  if (isEthersError(error)) return error;
  const message = `${context.backend} failed with an error of its own; see the cause`;
  return new SignerError("BACKEND_UNAVAILABLE", message, { ...context, retryable: false, cause: readable(error) });
}
