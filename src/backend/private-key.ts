import { secp256k1 } from "@noble/curves/secp256k1.js";
import { assertArgument, getBytes } from "ethers";
import { addressFromPublicKey } from "../core/public-key.ts";

// PrivateKeyInfo { 0, { id-ecPublicKey, secp256k1 }, ECPrivateKey { 1, key, [1] publicKey } } (RFC 5208, section 5; RFC 5915,
// section 3): 135 bytes.
const PKCS8_HEADER = getBytes("0x308184020100301006072a8648ce3d020106052b8104000a046d306b0201010420");
const PUBLIC_KEY_HEADER = getBytes("0xa144034200");

/** A private key on its way into a backend: a copy of the caller's, which appears in no log and is overwritten by `wipe()`. */
export class PrivateKey {
  /** With the checksum of EIP-55. */
  readonly address: string;
  /** 65 bytes, SEC1 uncompressed. */
  readonly publicKey: Uint8Array;
  readonly #secret: Uint8Array;
  readonly #copies: Uint8Array[] = [];

  /**
   * @param privateKey 32 bytes, big-endian, which stay the caller's to wipe; or their hex string with 0x.
   * @throws ethers' INVALID_ARGUMENT, which does not show it.
   */
  constructor(privateKey: Uint8Array | string) {
    this.#secret = copyPrivateKey(privateKey);
    this.publicKey = secp256k1.getPublicKey(this.#secret, false);
    this.address = addressFromPublicKey(this.publicKey);
  }

  /** The 32 bytes, big-endian, themselves: `wipe()` overwrites them. */
  bytes(): Uint8Array {
    return this.#secret;
  }

  /** The PKCS#8 DER encoding, 135 bytes, which `wipe()` overwrites. */
  pkcs8(): Uint8Array {
    const parts = [PKCS8_HEADER, this.#secret, PUBLIC_KEY_HEADER, this.publicKey];
    const encoded = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
    let offset = 0;
    for (const part of parts) {
      encoded.set(part, offset);
      offset += part.length;
    }
    this.#copies.push(encoded);
    return encoded;
  }

  /** Overwrites the key, and its encodings. Idempotent. */
  wipe(): void {
    for (const bytes of [this.#secret, ...this.#copies]) bytes.fill(0);
  }
}

/**
 * A copy of a private key on its way into a store, for the store to wipe.
 *
 * @param privateKey 32 bytes, big-endian, which stay the caller's to wipe; or their hex string with 0x.
 * @throws ethers' INVALID_ARGUMENT, which does not show it, unless it is in 1..n-1 (SEC 1 v2, section 3.2.1).
 */
export function copyPrivateKey(privateKey: Uint8Array | string): Uint8Array {
  const copy = new Uint8Array(32);
  const valid = copyInto(copy, privateKey) && secp256k1.utils.isValidSecretKey(copy);
  if (!valid) copy.fill(0);
  assertArgument(
    valid,
    "privateKey must be 32 bytes in 1..n-1, or their hex string with 0x",
    "privateKey",
    "[REDACTED]",
  );
  return copy;
}

/** Into `target`, without a copy in between. @returns whether there were 32 bytes. */
function copyInto(target: Uint8Array, privateKey: unknown): boolean {
  if (typeof privateKey === "string") {
    if (!/^0x[\da-f]{64}$/i.test(privateKey)) return false;
    for (let index = 0; index < 32; index += 1) {
      target[index] = Number.parseInt(privateKey.slice(2 + 2 * index, 4 + 2 * index), 16);
    }
    return true;
  }
  if (Object.prototype.toString.call(privateKey) !== "[object Uint8Array]") return false;
  const bytes = privateKey as Uint8Array;
  if (bytes.length === 32) target.set(bytes);
  return bytes.length === 32;
}
