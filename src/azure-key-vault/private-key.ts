import type { JsonWebKey } from "@azure/keyvault-keys";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { assertArgument, getBytes, isHexString } from "ethers";
import { addressFromPublicKey } from "../core/public-key.ts";

const MEANING = "privateKey must be 32 bytes, as bytes or as hex, from 1 to the order of secp256k1 less 1";

/** A private key on its way into a vault: a copy of the caller's, that shows in no log and can be overwritten. */
export class PrivateKey {
  readonly address: string;
  readonly #secret: Uint8Array;
  readonly #publicKey: Uint8Array;

  /**
   * @param value 32 bytes, big-endian; or the same as hex, with or without 0x.
   * @throws ethers' INVALID_ARGUMENT, which does not show it.
   */
  constructor(value: string | Uint8Array) {
    this.#secret = copyOf(value);
    assertArgument(secp256k1.utils.isValidSecretKey(this.#secret), MEANING, "privateKey", "[REDACTED]");
    this.#publicKey = secp256k1.getPublicKey(this.#secret, false);
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

function copyOf(value: unknown): Uint8Array {
  if (typeof value === "string") {
    const hex = value.startsWith("0x") ? value : `0x${value}`;
    assertArgument(isHexString(hex, 32), MEANING, "privateKey", "[REDACTED]");
    return getBytes(hex);
  }
  assertArgument(
    Object.prototype.toString.call(value) === "[object Uint8Array]" && (value as Uint8Array).length === 32,
    MEANING,
    "privateKey",
    "[REDACTED]",
  );
  return Uint8Array.from(value as Uint8Array);
}
