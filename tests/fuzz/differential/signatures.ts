import { createPublicKey, type KeyObject } from "node:crypto";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { getBytes, id, sha256 } from "ethers";
import type { RawSignature } from "../../../src/core/signature.ts";

/** A valid signature, the message that it is of, and the key in OpenSSL's hands. */
export interface SignedMessage extends RawSignature {
  readonly message: Uint8Array;
  readonly publicKey: KeyObject;
}

/** Valid signatures by as many keys, high and low s among them, and one with an r of 31 bytes at most. */
export function signedMessages(count: number): SignedMessage[] {
  const made = Array.from({ length: count }, (_, index) => signed(index));
  for (let index = count; made.every(({ r }) => r >> 248n !== 0n); index++) made[0] = signed(index);
  return made;
}

function signed(index: number): SignedMessage {
  const secretKey = getBytes(id(`key ${index}`));
  const message = getBytes(id(`message ${index}`));
  const digest = getBytes(sha256(message));
  const { r, s } = secp256k1.Signature.fromBytes(
    secp256k1.sign(digest, secretKey, { prehash: false, lowS: index % 2 === 0 }),
    "compact",
  );
  return { r, s, message, publicKey: openSslKey(secp256k1.getPublicKey(secretKey, false)) };
}

/** OpenSSL's object of a point, 65 bytes uncompressed. */
export function openSslKey(point: Uint8Array): KeyObject {
  const coordinate = (from: number) => Buffer.from(point.subarray(from, from + 32)).toString("base64url");
  return createPublicKey({ key: { kty: "EC", crv: "secp256k1", x: coordinate(1), y: coordinate(33) }, format: "jwk" });
}
