import { runInNewContext } from "node:vm";
import { describe, expect, test } from "@jest/globals";
import { getBytes, hexlify, SigningKey, toBeHex } from "ethers";
import { signatureFromDer } from "../../src/core/der.ts";
import {
  publicKeyFromEcPoint,
  publicKeyFromJwk,
  publicKeyFromSec1,
  publicKeyFromSpki,
} from "../../src/core/public-key.ts";
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

test("bytes of another realm are as good as one's own, to every decoder and to both ways of verifying", () => {
  const foreign = (bytes: Uint8Array): Uint8Array => runInNewContext(`Uint8Array.of(${bytes})`);
  const [x, y] = [publicKey.slice(1, 33), publicKey.slice(33)];
  const compact = new Uint8Array(64);
  compact[31] = compact[63] = 1;
  const der = Uint8Array.of(0x30, 6, 2, 1, 1, 2, 1, 1);
  const spki = getBytes(`0x3056301006072a8648ce3d020106052b8104000a034200${hexlify(publicKey).slice(2)}`);
  expect(signatureFromDer(foreign(der))).toEqual(one);
  expect(signatureFromCompact(foreign(compact))).toEqual(one);
  expect(publicKeyFromSpki(foreign(spki))).toEqual(publicKey);
  expect(publicKeyFromEcPoint(foreign(Uint8Array.of(0x04, 65, ...publicKey)))).toEqual(publicKey);
  expect(publicKeyFromJwk({ kty: "EC", crv: "P-256K", x: foreign(x), y: foreign(y) })).toEqual(publicKey);
  for (const sec1 of [publicKey, Point.BASE.toBytes(true)]) expect(publicKeyFromSec1(foreign(sec1))).toEqual(publicKey);

  const digest = new Uint8Array(32).fill(7);
  const { r, s, yParity } = new SigningKey(toBeHex(1, 32)).sign(digest);
  const signature = { r: BigInt(r), s: BigInt(s) };
  for (let count = 0; count < 100; count += 1) {
    for (const key of [publicKey, Point.BASE.toBytes(true)]) {
      expect(verifiedYParity(foreign(key), foreign(digest), signature)).toBe(yParity);
      refused(() => verifiedYParity(foreign(key), foreign(digest), one), "SIGNATURE_MISMATCH");
    }
  }
});

test("one key never stands for another's: what a subclass says of its bytes does not count", () => {
  class Deceptive extends Uint8Array {
    override [Symbol.iterator](): ArrayIterator<number> {
      return publicKey[Symbol.iterator]();
    }
  }
  const digest = new Uint8Array(32).fill(8);
  const other = new SigningKey(toBeHex(2, 32));
  const { r, s } = other.sign(digest);
  const signature = { r: BigInt(r), s: BigInt(s) };
  for (let count = 0; count < 100; count += 1) verifiedYParity(getBytes(other.publicKey), digest, signature);
  verifiedYParity(Deceptive.from(getBytes(other.publicKey)), digest, signature);
  refused(() => verifiedYParity(publicKey, digest, signature), "SIGNATURE_MISMATCH");
});
