import { secp256k1 } from "@noble/curves/secp256k1.js";
import { assertArgument, type BytesLike, getBytesCopy, hexlify } from "ethers";
import { SignerError } from "../core/errors.ts";
import { addressFromPublicKey } from "../core/public-key.ts";
import type { RawSignature } from "../core/signature.ts";
import { copyDigest } from "../signer/payload.ts";
import type { CallOptions, RemoteKey, SignOptions } from "../signer/remote-key.ts";

/**
 * A key in this process that answers as an HSM does: another nonce each time, and s as it comes, high or low.
 *
 * For tests alone: it protects nothing.
 */
export class TestKey implements RemoteKey {
  readonly backend = "test";
  readonly id: string;
  readonly #secret: Uint8Array;
  #closed = false;

  /**
   * @param privateKey 32 bytes, 1..n-1.
   * @throws ethers' INVALID_ARGUMENT for anything else.
   */
  constructor(privateKey: BytesLike, id = "test-key") {
    const secret = getBytesCopy(privateKey);
    assertArgument(
      secp256k1.utils.isValidSecretKey(secret),
      "not a private key of secp256k1",
      "privateKey",
      "[REDACTED]",
    );
    this.#secret = secret;
    this.id = id;
  }

  /** 32 bytes as a hex string that begins with 0x. */
  get privateKey(): string {
    return hexlify(this.#secret);
  }

  /** 65 bytes, SEC1 uncompressed. */
  get publicKey(): Uint8Array {
    return secp256k1.getPublicKey(this.#secret, false);
  }

  /** With the checksum of EIP-55. */
  get address(): string {
    return addressFromPublicKey(this.publicKey);
  }

  /** The key's signature over these 32 bytes as they are, without the wait of `signDigest`. */
  sign(digest: Uint8Array): RawSignature {
    const options = { prehash: false, lowS: false, extraEntropy: true } as const;
    const { r, s } = secp256k1.Signature.fromBytes(secp256k1.sign(digest, this.#secret, options), "compact");
    return { r, s };
  }

  async getPublicKey({ signal }: CallOptions = {}): Promise<Uint8Array> {
    this.#requireOpen("getPublicKey");
    signal?.throwIfAborted();
    return this.publicKey;
  }

  async signDigest(digest: Uint8Array, { signal }: SignOptions = {}): Promise<RawSignature> {
    this.#requireOpen("signDigest");
    const bytes = copyDigest(digest);
    signal?.throwIfAborted();
    return this.sign(bytes);
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  #requireOpen(operation: string): void {
    if (!this.#closed) return;
    const context = { backend: this.backend, keyId: this.id, operation };
    throw new SignerError("SIGNER_CLOSED", "the key was closed; construct a new one", context);
  }
}
