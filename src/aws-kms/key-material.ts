import { assert, getBytes, SigningKey } from "ethers";
import { copyPrivateKey } from "../accounts/private-key.ts";
import { invalidResponse, isSignerError } from "../core/errors.ts";
import { addressFromPublicKey } from "../core/public-key.ts";

// PrivateKeyInfo { 0, { id-ecPublicKey, secp256k1 }, ECPrivateKey { 1, key, [1] publicKey } } (RFC 5208, section 5;
// RFC 5915, section 3): 135 bytes.
const HEADER = getBytes("0x308184020100301006072a8648ce3d020106052b8104000a046d306b0201010420");
const PUBLIC_KEY_HEADER = getBytes("0xa144034200");
const LENGTH = 135;

const WRAPPING_KEY_BITS = 4096;

/** A private key in the form in which KMS imports it, in one buffer of its own until `wipe()`. */
export class KeyMaterial {
  /** The address, with the checksum of EIP-55. */
  readonly address: string;
  readonly #pkcs8 = new Uint8Array(LENGTH);

  /**
   * @param privateKey 32 bytes, which it copies, or their hex string with 0x.
   * @throws ethers' INVALID_ARGUMENT, without the key; UNSUPPORTED_OPERATION where there is no WebCrypto.
   */
  constructor(privateKey: Uint8Array | string) {
    assert(
      globalThis.crypto?.subtle !== undefined,
      "importing a key needs WebCrypto (crypto.subtle), which browsers have in secure contexts only",
      "UNSUPPORTED_OPERATION",
      { operation: "importKey" },
    );
    const secret = copyPrivateKey(privateKey);
    const publicKey = getBytes(SigningKey.computePublicKey(secret, false));
    this.#pkcs8.set(HEADER);
    this.#pkcs8.set(secret, HEADER.length);
    secret.fill(0);
    this.#pkcs8.set(PUBLIC_KEY_HEADER, HEADER.length + 32);
    this.#pkcs8.set(publicKey, HEADER.length + 32 + PUBLIC_KEY_HEADER.length);
    this.address = addressFromPublicKey(publicKey);
  }

  /**
   * The PKCS#8 encoding, encrypted by RSAES-OAEP with SHA-256 (RFC 8017, section 7.1).
   *
   * @param spki DER SubjectPublicKeyInfo of an RSA key of 4096 bits.
   * @throws SignerError BACKEND_RESPONSE_INVALID where it is anything else.
   */
  async wrap(spki: Uint8Array): Promise<Uint8Array> {
    const algorithm = { name: "RSA-OAEP", hash: "SHA-256" };
    const { subtle } = globalThis.crypto;
    try {
      const key = await subtle.importKey("spki", Uint8Array.from(spki), algorithm, false, ["encrypt"]);
      const { modulusLength } = key.algorithm as { readonly modulusLength?: number };
      if (modulusLength !== WRAPPING_KEY_BITS) {
        throw invalidResponse(`the wrapping key has ${modulusLength} bits instead of ${WRAPPING_KEY_BITS}`);
      }
      return new Uint8Array(await subtle.encrypt({ name: "RSA-OAEP" }, key, this.#pkcs8));
    } catch (error) {
      if (isSignerError(error)) throw error;
      // Whatever the platform threw is no cause: it was given the private key.
      throw invalidResponse("the wrapping key is no DER SubjectPublicKeyInfo of an RSA key");
    }
  }

  /** Overwrites the buffer. Idempotent. */
  wipe(): void {
    this.#pkcs8.fill(0);
  }
}
