import { createCipheriv, createECDH } from "node:crypto";
import { getBytes } from "ethers";
import { copyPrivateKey } from "../backend/private-key.ts";

// PrivateKeyInfo (RFC 5208) { 0, { id-ecPublicKey, secp256k1 }, ECPrivateKey (RFC 5915) { 1, 32 bytes } } up to those bytes.
const PKCS8_HEADER = getBytes("0x303e020100301006072a8648ce3d020106052b8104000a042730250201010420");
// RFC 5649, section 3: the alternative initial value's constant half.
const KWP_INITIAL_VALUE = getBytes("0xa65959a6");

/** A private key on its way to a token: 32 bytes, wiped by `wipe()`. No error that it throws shows them. */
export class PrivateKey {
  /** 32 bytes, big-endian. */
  readonly bytes: Buffer;
  /** 65 bytes, SEC1 uncompressed. */
  readonly publicKey: Uint8Array;

  /**
   * @param privateKey 32 bytes, which stay the caller's, or their hex string with 0x.
   * @throws ethers' INVALID_ARGUMENT unless it is in 1..n-1.
   */
  constructor(privateKey: Uint8Array | string) {
    this.bytes = Buffer.from(copyPrivateKey(privateKey).buffer);
    const ecdh = createECDH("secp256k1");
    ecdh.setPrivateKey(this.bytes);
    this.publicKey = Uint8Array.from(ecdh.getPublicKey());
  }

  /** The key as PKCS#8, wrapped with AES-256 key wrap with padding (RFC 5649), as CKM_AES_KEY_WRAP_PAD unwraps it. */
  wrap(wrappingKey: Uint8Array): Buffer {
    const pkcs8 = Buffer.concat([PKCS8_HEADER, this.bytes]);
    try {
      const cipher = createCipheriv("id-aes256-wrap-pad", wrappingKey, KWP_INITIAL_VALUE);
      return Buffer.concat([cipher.update(pkcs8), cipher.final()]);
    } finally {
      pkcs8.fill(0);
    }
  }

  wipe(): void {
    this.bytes.fill(0);
  }
}
