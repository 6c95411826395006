import { assert } from "ethers";
import { invalidResponse, isSignerError } from "../core/errors.ts";

const WRAPPING_KEY_BITS = 4096;

/** @throws ethers' UNSUPPORTED_OPERATION. */
export function requireWebCrypto(): void {
  assert(
    globalThis.crypto?.subtle !== undefined,
    "importing a key needs WebCrypto (crypto.subtle), which browsers have in secure contexts only",
    "UNSUPPORTED_OPERATION",
    { operation: "importKey" },
  );
}

/**
 * Encrypts by RSAES-OAEP with SHA-256 (RFC 8017, section 7.1) for the service that is to import the key.
 *
 * @param spki DER SubjectPublicKeyInfo of an RSA key of 4096 bits.
 * @throws SignerError BACKEND_RESPONSE_INVALID if it is anything else.
 */
export async function wrapKey(pkcs8: Uint8Array, spki: Uint8Array): Promise<Uint8Array> {
  const algorithm = { name: "RSA-OAEP", hash: "SHA-256" };
  const { subtle } = globalThis.crypto;
  try {
    const key = await subtle.importKey("spki", Uint8Array.from(spki), algorithm, false, ["encrypt"]);
    const { modulusLength } = key.algorithm as { readonly modulusLength?: number };
    if (modulusLength !== WRAPPING_KEY_BITS) {
      throw invalidResponse(`the wrapping key has ${modulusLength} bits instead of ${WRAPPING_KEY_BITS}`);
    }
    return new Uint8Array(await subtle.encrypt({ name: "RSA-OAEP" }, key, pkcs8 as Uint8Array<ArrayBuffer>));
  } catch (error) {
    if (isSignerError(error)) throw error;
    // The platform's error is not a cause: the platform was given the private key.
    throw invalidResponse("the wrapping key is not a DER SubjectPublicKeyInfo of an RSA key");
  }
}
