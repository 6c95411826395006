import type { BytesLike } from "ethers";
import type { RawSignature } from "../../../src/core/signature.ts";
import type { CallOptions, RemoteKey, SignOptions } from "../../../src/signer/remote-key.ts";
import { TestKey } from "../../../src/testing/test-key.ts";
import type { Behaviour, HostileAnswer } from "./hostile-case.ts";

/** A key whose backend can be turned against its user and back, while a signer uses it. At first it is honest. */
export class HostileKey implements RemoteKey {
  readonly backend = "hostile";
  readonly id = "hostile-key";
  /** The key that it pretends to be. */
  readonly honest: TestKey;
  /** How often each call was made, whatever it answered. */
  readonly calls = { getPublicKey: 0, signDigest: 0 };
  #behaviour: Behaviour = {};

  /**
   * An honest key, until it is told otherwise.
   *
   * @param privateKey 32 bytes, 1..n-1.
   */
  constructor(privateKey: BytesLike) {
    this.honest = new TestKey(privateKey);
  }

  /** The honest key's address, with the checksum of EIP-55. */
  get address(): string {
    return this.honest.address;
  }

  /** Answers like this from now on; or as a behaviour of your own says. */
  turn(answer: HostileAnswer | Behaviour): void {
    this.#behaviour = "behave" in answer ? answer.behave(this.honest) : answer;
  }

  /** Answers honestly from now on. Calls under way end as they began. */
  recover(): void {
    this.#behaviour = {};
  }

  // Neither is async: some behaviours throw at once, or answer without a promise.
  /** As the behaviour says; 65 bytes where it says nothing. */
  getPublicKey(options: CallOptions = {}): Promise<Uint8Array> {
    this.calls.getPublicKey += 1;
    const { getPublicKey } = this.#behaviour;
    return getPublicKey ? (getPublicKey(options) as Promise<Uint8Array>) : this.honest.getPublicKey(options);
  }

  /** As the behaviour says; a right signature where it says nothing. */
  signDigest(digest: Uint8Array, options: SignOptions = {}): Promise<RawSignature> {
    this.calls.signDigest += 1;
    const { signDigest } = this.#behaviour;
    return signDigest
      ? (signDigest(digest, options) as Promise<RawSignature>)
      : this.honest.signDigest(digest, options);
  }

  async close(): Promise<void> {
    await this.honest.close();
  }
}
