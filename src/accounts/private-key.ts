import { secp256k1 } from "@noble/curves/secp256k1.js";
import { assertArgument } from "ethers";

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
