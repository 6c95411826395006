import { createPublicKey, type KeyObject } from "node:crypto";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { getBytes, sha256 } from "ethers";
import type { RawSignature } from "../../../src/core/signature.ts";
import type { Random } from "../engine/random.ts";

/** A valid signature, the message that it is of, and the key in OpenSSL's hands. */
export interface SignedMessage extends RawSignature {
  readonly message: Uint8Array;
  readonly publicKey: KeyObject;
}

/** Valid signatures by keys of this seed, high and low s among them, and one with an r of 31 bytes at most. */
export function signedMessages(random: Random, count: number): SignedMessage[] {
  const made = Array.from({ length: count }, () => signed(random));
  for (let left = 2_000; left > 0 && made.every(({ r }) => r >> 248n !== 0n); left--) made[0] = signed(random);
  return made;
}

function signed(random: Random): SignedMessage {
  const secretKey = bytes(random, 32);
  // Not zero, and below the order.
  secretKey[0] = 1;
  const message = bytes(random, 32);
  const digest = getBytes(sha256(message));
  const { r, s } = secp256k1.Signature.fromBytes(
    secp256k1.sign(digest, secretKey, { prehash: false, lowS: random.oneIn(2) }),
    "compact",
  );
  return { r, s, message, publicKey: openSslKey(secp256k1.getPublicKey(secretKey, false)) };
}

/** OpenSSL's object of a point, 65 bytes uncompressed. */
export function openSslKey(point: Uint8Array): KeyObject {
  const coordinate = (from: number) => Buffer.from(point.subarray(from, from + 32)).toString("base64url");
  return createPublicKey({ key: { kty: "EC", crv: "secp256k1", x: coordinate(1), y: coordinate(33) }, format: "jwk" });
}

function bytes(random: Random, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => random.below(256));
}
