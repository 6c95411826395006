import type { RawSignature } from "../../src/core/signature.ts";
import type { CallOptions, RemoteKey } from "../../src/signer/remote-key.ts";
import { MemoryKey } from "./memory-key.ts";

/** Answers a public-key fetch in place of the honest key, which it may ask. */
export type FetchFault = (honest: MemoryKey, options: CallOptions) => Promise<Uint8Array>;
/** Answers a signing call in place of the honest key, which it may ask. */
export type SignFault = (honest: MemoryKey, digest: Uint8Array, options: CallOptions) => Promise<RawSignature>;

/** A backend that can be broken and repaired while a signer uses it. Without a fault it answers as its honest key. */
export class FaultyKey implements RemoteKey {
  readonly backend = "faulty";
  readonly id = "faulty-key";
  readonly honest: MemoryKey;
  onFetch: FetchFault | undefined;
  onSign: SignFault | undefined;

  constructor(privateKey: string, faults: { onFetch?: FetchFault; onSign?: SignFault } = {}) {
    this.honest = new MemoryKey(privateKey);
    this.onFetch = faults.onFetch;
    this.onSign = faults.onSign;
  }

  async getPublicKey(options: CallOptions = {}): Promise<Uint8Array> {
    return this.onFetch === undefined ? this.honest.getPublicKey(options) : this.onFetch(this.honest, options);
  }

  async signDigest(digest: Uint8Array, options: CallOptions = {}): Promise<RawSignature> {
    return this.onSign === undefined
      ? this.honest.signDigest(digest, options)
      : this.onSign(this.honest, digest, options);
  }

  async close(): Promise<void> {
    await this.honest.close();
  }
}

/** A backend that took the call and never says anything again. */
export function never(): Promise<never> {
  return new Promise(() => {});
}
