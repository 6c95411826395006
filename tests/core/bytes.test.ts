import { runInNewContext } from "node:vm";
import { describe, expect, test } from "@jest/globals";
import { getBytes, hexlify } from "ethers";
import fc from "fast-check";
import { copyBytes, decodeBer, equalBytes } from "../../src/core/bytes.ts";
import {
  publicKeyFromEcPoint,
  publicKeyFromJwk,
  publicKeyFromSec1,
  publicKeyFromSpki,
} from "../../src/core/public-key.ts";
import { signatureFromCompact, signatureFromDer } from "../../src/core/signature.ts";
import { Point } from "./support.ts";

const publicKey = Point.BASE.toBytes(false);
const one = { r: 1n, s: 1n };

describe("copyBytes", () => {
  test("copies a Uint8Array, a part of a Buffer, and one of another realm", () => {
    const foreign = runInNewContext("Uint8Array.of(1, 2, 3, 4).subarray(1, 3)");
    for (const value of [new Uint8Array(3), Buffer.from("abc").subarray(1), foreign]) {
      const bytes = copyBytes(value, "it");
      expect(bytes).toBeInstanceOf(Uint8Array);
      expect([bytes.constructor, [...bytes]]).toEqual([Uint8Array, [...value]]);
      value[1] = 77;
      expect(bytes[1]).not.toBe(77);
    }
  });

  test("copies the bytes in memory, whatever a subclass says of its length and its elements", () => {
    class Lying extends Uint8Array {
      override get length() {
        return 1;
      }
      override [Symbol.iterator](): ArrayIterator<number> {
        return publicKey[Symbol.iterator]();
      }
    }
    expect([...copyBytes(new Lying([1, 2, 3]), "it")]).toEqual([1, 2, 3]);
  });

  test("is not fooled by an object that calls itself a Uint8Array", () => {
    const fake = { [Symbol.toStringTag]: "Uint8Array", length: 1, 0: 1 };
    for (const value of [fake, new Proxy(Uint8Array.of(1), {})]) {
      expect(() => copyBytes(value, "it")).toThrow("it is not a Uint8Array but object");
    }
  });

  test.each([
    [null, "the digest is not a Uint8Array but null"],
    [undefined, "the digest is not a Uint8Array but undefined"],
    ["0x", "the digest is not a Uint8Array but string"],
    [[1], "the digest is not a Uint8Array but object"],
    [new Uint16Array(1), "the digest is not a Uint8Array but object"],
    [new ArrayBuffer(1), "the digest is not a Uint8Array but object"],
  ])("says of %p what it is", (value, message) => {
    expect(() => copyBytes(value, "the digest")).toThrow(message);
  });
});

describe("equalBytes", () => {
  test.each([
    ["equal ones", [1, 2, 3], [1, 2, 3], true],
    ["none and none", [], [], true],
    ["another last byte", [1, 2, 3], [1, 2, 4], false],
    ["another first byte", [1, 2, 3], [0, 2, 3], false],
    ["a shorter one", [1, 2, 3], [1, 2], false],
    ["a longer one", [1, 2], [1, 2, 3], false],
  ])("of %s", (_name, a, b, expected) => {
    expect(equalBytes(Uint8Array.from(a), Uint8Array.from(b))).toBe(expected);
  });
});

describe("decodeBer", () => {
  test.each(["", "30", "300602010102010100", "0201010500", "3084ffffffff0201", "1806020101020101"])(
    "of %p, which is not one value, is undefined",
    (hex) => expect(decodeBer(getBytes(`0x${hex}`))).toBeUndefined(),
  );

  test("decodes one value, and throws for no bytes at all", () => {
    expect(decodeBer(getBytes("0x3006020101020101"))?.idBlock.tagNumber).toBe(16);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (input) => {
        decodeBer(input);
        decodeBer(Uint8Array.of(0x30, input.length, ...input));
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("a decoder that gets no bytes says what it got", () => {
  test.each<[string, (value: never) => unknown]>([
    ["the DER signature", signatureFromDer],
    ["the compact signature", signatureFromCompact],
    ["the public key", publicKeyFromSec1],
    ["CKA_EC_POINT", publicKeyFromEcPoint],
    ["the SubjectPublicKeyInfo", publicKeyFromSpki],
  ])("%s", (what, decode) => {
    expect(() => decode("0x3006" as never)).toThrow(`${what} is not a Uint8Array but string`);
    expect(() => decode(null as never)).toThrow(`${what} is not a Uint8Array but null`);
  });

  test("and how long it was, if it was too long", () => {
    expect(() => signatureFromDer(new Uint8Array(73))).toThrow("has 73 bytes; secp256k1 needs at most 72");
    expect(() => signatureFromCompact(new Uint8Array(65))).toThrow("has 65 bytes; r and s of secp256k1 have 64");
  });
});

test("every decoder accepts bytes of another realm, and leaves them as they are", () => {
  const compact = new Uint8Array(64);
  compact[31] = compact[63] = 1;
  const der = Uint8Array.of(0x30, 6, 2, 1, 1, 2, 1, 1);
  const spki = getBytes(`0x3056301006072a8648ce3d020106052b8104000a034200${hexlify(publicKey).slice(2)}`);
  const ecPoint = Uint8Array.of(0x04, 65, ...publicKey);
  const cases: [Uint8Array, (bytes: Uint8Array) => unknown, unknown][] = [
    [der, signatureFromDer, one],
    [compact, signatureFromCompact, one],
    [spki, publicKeyFromSpki, publicKey],
    [ecPoint, publicKeyFromEcPoint, publicKey],
    [publicKey, publicKeyFromSec1, publicKey],
    [Point.BASE.toBytes(true), publicKeyFromSec1, publicKey],
    [publicKey, (key) => publicKeyFromJwk({ kty: "EC", crv: "P-256K", x: part(key, 1), y: part(key, 33) }), publicKey],
  ];
  for (const [bytes, decode, expected] of cases) {
    const foreign: Uint8Array = runInNewContext(`Uint8Array.of(${bytes})`);
    expect(decode(foreign)).toEqual(expected);
    expect([...foreign]).toEqual([...bytes]);
  }
});

/** 32 bytes, of the same realm. */
function part(bytes: Uint8Array, start: number): Uint8Array {
  return bytes.subarray(start, start + 32);
}
