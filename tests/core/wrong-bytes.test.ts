import { describe, expect, test } from "@jest/globals";
import { signatureFromDer } from "../../src/core/der.ts";
import { publicKeyFromEcPoint, publicKeyFromSec1, publicKeyFromSpki } from "../../src/core/public-key.ts";
import { signatureFromCompact } from "../../src/core/signature.ts";
import { verifiedYParity } from "../../src/core/y-parity.ts";
import { Point } from "./reference.ts";
import { refused } from "./support.ts";

const publicKey = Point.BASE.toBytes(false);
const one = { r: 1n, s: 1n };

describe("a decoder says what it did not get", () => {
  test.each<[string, (value: never) => unknown]>([
    ["the DER signature", signatureFromDer],
    ["the compact signature", signatureFromCompact],
    ["the public key", publicKeyFromSec1],
    ["CKA_EC_POINT", publicKeyFromEcPoint],
    ["the SubjectPublicKeyInfo", publicKeyFromSpki],
    ["the digest", (digest) => verifiedYParity(publicKey, digest, one)],
    ["the public key", (key) => verifiedYParity(key, new Uint8Array(32), one)],
  ])("%s", (what, decode) => {
    expect(() => decode("0x3006" as never)).toThrow(`${what} is no Uint8Array but string`);
    expect(() => decode(null as never)).toThrow(`${what} is no Uint8Array but null`);
  });

  test("and how long it was, where it was too long", () => {
    expect(() => signatureFromDer(new Uint8Array(73))).toThrow("has 73 bytes; secp256k1 needs at most 72");
    expect(() => signatureFromCompact(new Uint8Array(65))).toThrow("has 65 bytes; r and s of secp256k1 have 64");
  });
});

test("a point is not taken out of what has another tag than an OCTET STRING", () => {
  expect(publicKeyFromEcPoint(Uint8Array.of(0x04, 65, ...publicKey))).toEqual(publicKey);
  for (const tag of [0x02, 0x03, 0x05, 0x24, 0x30]) {
    refused(() => publicKeyFromEcPoint(Uint8Array.of(tag, 65, ...publicKey)));
    refused(() => publicKeyFromEcPoint(Uint8Array.of(tag, 33, ...Point.BASE.toBytes(true))));
  }
});
