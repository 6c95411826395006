import { createECDH } from "node:crypto";
import { secp256k1 } from "@noble/curves/secp256k1.js";

const ORDER = secp256k1.Point.Fn.ORDER;

/** How a signature is to look. Both kinds of s, and an r below 2^248, are valid. */
export interface SignatureShape {
  /** Default: as it comes, about half are high. */
  readonly s?: "high" | "low" | undefined;
  /** r with a leading zero byte, as in 1 signature of 256. */
  readonly shortR?: boolean | undefined;
}

/** A private key that signs as an HSM does: a random nonce each time, and s as it comes. */
export class Secp256k1Key {
  readonly #secret: Uint8Array;
  /** 65 bytes, SEC1 uncompressed. */
  readonly publicKey: Uint8Array;

  /** @param privateKey 32 bytes as hex, with or without 0x. */
  constructor(privateKey: string) {
    this.#secret = new Uint8Array(Buffer.from(privateKey.replace(/^0x/, ""), "hex"));
    // OpenSSL's, so that the key's two halves are not both by the library under the code under test.
    const ecdh = createECDH("secp256k1");
    ecdh.setPrivateKey(this.#secret);
    this.publicKey = new Uint8Array(ecdh.getPublicKey());
  }

  get x(): Uint8Array {
    return this.publicKey.slice(1, 33);
  }

  get y(): Uint8Array {
    return this.publicKey.slice(33);
  }

  /** r‖s, 64 bytes, over these bytes as they are. */
  signCompact(digest: Uint8Array, shape: SignatureShape = {}): Uint8Array {
    return this.#sign(digest, shape).toBytes("compact");
  }

  /** DER SEQUENCE(INTEGER r, INTEGER s) over these bytes as they are. */
  signDer(digest: Uint8Array, shape: SignatureShape = {}): Uint8Array {
    return this.#sign(digest, shape).toBytes("der");
  }

  #sign(digest: Uint8Array, { s, shortR = false }: SignatureShape) {
    for (;;) {
      const bytes = secp256k1.sign(digest, this.#secret, { prehash: false, lowS: false, extraEntropy: true });
      const signature = secp256k1.Signature.fromBytes(bytes, "compact");
      if (shortR && signature.r >> 248n !== 0n) continue;
      const high = signature.s > ORDER / 2n;
      if (s === undefined || (s === "high") === high) return signature;
      return new secp256k1.Signature(signature.r, ORDER - signature.s);
    }
  }
}

const SPKI_HEADER = Buffer.from("3056301006072a8648ce3d020106052b8104000a034200", "hex");

/** DER SubjectPublicKeyInfo of a secp256k1 key (RFC 5480): 88 bytes. */
export function spkiOf({ publicKey }: Secp256k1Key): Uint8Array {
  return new Uint8Array(Buffer.concat([SPKI_HEADER, publicKey]));
}
