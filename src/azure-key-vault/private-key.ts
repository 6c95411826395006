import type { JsonWebKey } from "@azure/keyvault-keys";
import { getBytes, SigningKey } from "ethers";
import { copyPrivateKey } from "../accounts/private-key.ts";
import { addressFromPublicKey } from "../core/public-key.ts";

/** A private key on its way into a vault: a copy of the caller's, that shows in no log and can be overwritten. */
export class PrivateKey {
  readonly address: string;
  readonly #secret: Uint8Array;
  readonly #publicKey: Uint8Array;

  /**
   * @param value 32 bytes, big-endian, or their hex string with 0x.
   * @throws ethers' INVALID_ARGUMENT, which does not show it.
   */
  constructor(value: string | Uint8Array) {
    this.#secret = copyPrivateKey(value);
    this.#publicKey = getBytes(SigningKey.computePublicKey(this.#secret, false));
    this.address = addressFromPublicKey(this.#publicKey);
  }

  /** The key as Azure takes it, on P-256K, its name for the curve. Its `d` is this object's own. */
  jwk(hardware: boolean): JsonWebKey {
    return {
      kty: hardware ? "EC-HSM" : "EC",
      crv: "P-256K",
      keyOps: ["sign", "verify"],
      d: this.#secret,
      x: this.#publicKey.slice(1, 33),
      y: this.#publicKey.slice(33),
    };
  }

  /** Overwrites the key, in the JSON Web Keys too. */
  wipe(): void {
    this.#secret.fill(0);
  }
}
