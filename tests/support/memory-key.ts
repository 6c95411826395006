import { secp256k1 } from "@noble/curves/secp256k1.js";
import { getBytes } from "ethers";
import type { RawSignature } from "../../src/core/signature.ts";
import type { CallOptions, RemoteKey } from "../../src/signer/remote-key.ts";

/**
 * A key in this process that signs as an HSM does: with another nonce each time and with s as it comes, high or low.
 *
 * It counts what it is asked, since asking a real backend costs a request.
 */
export class MemoryKey implements RemoteKey {
  readonly backend = "memory";
  readonly id: string;
  publicKeyFetches = 0;
  signatures = 0;
  closings = 0;
  readonly #secret: Uint8Array;

  constructor(privateKey: string, id = "memory-key") {
    this.#secret = getBytes(privateKey);
    this.id = id;
  }

  async getPublicKey(_options?: CallOptions): Promise<Uint8Array> {
    this.publicKeyFetches++;
    return secp256k1.getPublicKey(this.#secret, false);
  }

  async signDigest(digest: Uint8Array, _options?: CallOptions): Promise<RawSignature> {
    this.signatures++;
    const compact = secp256k1.sign(digest, this.#secret, { prehash: false, lowS: false, extraEntropy: true });
    const { r, s } = secp256k1.Signature.fromBytes(compact, "compact");
    return { r, s };
  }

  async close(): Promise<void> {
    this.closings++;
  }
}
