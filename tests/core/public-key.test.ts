import { generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "@jest/globals";
import { computeAddress, encodeBase64, getBytes, hexlify, SigningKey, toBeHex } from "ethers";
import fc from "fast-check";
import {
  addressFromPublicKey,
  publicKeyFromEcPoint,
  publicKeyFromJwk,
  publicKeyFromSec1,
  publicKeyFromSpki,
} from "../../src/core/public-key.ts";
import { cases } from "../support/cases.ts";
import { type MalformedBytes, malformedEcPoint, malformedSec1, malformedSpki } from "../support/hostile/index.ts";
import { bytes, Point, PRIME, refused, scalar } from "./support.ts";

const PRIVATE_KEY = "0x4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318";
const ADDRESS = "0x2c7536E3605D9C16a7a3D7b1898e529396a65c23";
const publicKey = getBytes(new SigningKey(PRIVATE_KEY).publicKey);
const compressed = getBytes(new SigningKey(PRIVATE_KEY).compressedPublicKey);
const HEADER = "3056301006072a8648ce3d020106052b8104000a034200";
const COMPRESSED_HEADER = "3036301006072a8648ce3d020106052b8104000a032200";
const tail = hexlify(publicKey).slice(2);
const compressedTail = hexlify(compressed).slice(2);

const rows = (table: readonly MalformedBytes[]) => table.map(({ name, bytes, code }) => [name, bytes, code] as const);

const hex = (value: bigint, length = 32) => value.toString(16).padStart(2 * length, "0");
const url = (value: Uint8Array) => encodeBase64(value).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");

const message = (decode: () => unknown): string => {
  try {
    decode();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("it was not refused");
};

const WRONG_TYPES = [undefined, null, 65, "", hexlify(publicKey), [4], {}, new ArrayBuffer(65)];

describe("publicKeyFromSec1", () => {
  test("reads an uncompressed and a compressed point alike", () => {
    expect(publicKeyFromSec1(publicKey)).toEqual(publicKey);
    expect(publicKeyFromSec1(compressed)).toEqual(publicKey);
    expect(publicKeyFromSec1(Buffer.from(publicKey))).toEqual(publicKey);
  });

  test("agrees with ethers on any key", () => {
    fc.assert(
      fc.property(scalar(), (privateKey) => {
        const key = new SigningKey(toBeHex(privateKey, 32));
        expect(hexlify(publicKeyFromSec1(getBytes(key.compressedPublicKey)))).toBe(key.publicKey);
        expect(addressFromPublicKey(getBytes(key.publicKey))).toBe(computeAddress(key));
      }),
    );
  });

  test.each(rows(malformedSec1(publicKey)))("refuses %s", (_name, malformed, code) =>
    refused(() => publicKeyFromSec1(malformed), code),
  );
  test.each(WRONG_TYPES)("refuses %p in place of bytes", (value) => refused(() => publicKeyFromSec1(value as never)));

  test("says how long the wrong bytes are", () => {
    expect(message(() => publicKeyFromSec1(new Uint8Array(64)))).toMatch(
      /\(64 bytes\) is not a SEC1 point of secp256k1/,
    );
  });

  test("returns bytes of its own", () => {
    const given = publicKey.slice();
    const read = publicKeyFromSec1(given);
    given.fill(0);
    expect(read).toEqual(publicKey);
  });

  test("reads both forms of a point, of either parity", () => {
    for (const factor of [1n, 2n, 3n, 4n, 5n, 6n]) {
      for (const point of [Point.BASE.multiply(factor), Point.BASE.multiply(factor).negate()]) {
        expect(publicKeyFromSec1(point.toBytes(false))).toEqual(point.toBytes(false));
        expect(publicKeyFromSec1(point.toBytes(true))).toEqual(point.toBytes(false));
      }
    }
  });

  test("refuses a y without its leading zero, or with one too many: a coordinate has 32 bytes", () => {
    let point = Point.BASE;
    while (point.y >= 2n ** 248n) point = point.add(Point.BASE);
    const { x, y } = point.toAffine();
    expect(publicKeyFromSec1(bytes(`04${hex(x)}${hex(y)}`))).toEqual(point.toBytes(false));
    refused(() => publicKeyFromSec1(bytes(`04${hex(x)}${hex(y, 31)}`)));
    refused(() => publicKeyFromSec1(bytes(`04${hex(x)}${hex(y, 33)}`)));
  });

  test("refuses a coordinate of p or more, though it is the coordinate of a point modulo p", () => {
    // Only what is below 2^256 - p has a second form of 32 bytes: a small x, and a y whose x is a cube root.
    const point = Point.fromHex(`02${hex(1n)}`);
    const { x, y } = point.toAffine();
    expect(publicKeyFromSec1(bytes(`04${hex(x)}${hex(y)}`))).toEqual(point.toBytes(false));
    refused(() => publicKeyFromSec1(bytes(`04${hex(x + PRIME)}${hex(y)}`)));
    refused(() => publicKeyFromSec1(bytes(`02${hex(x + PRIME)}`)));
    const low = pointWithSmallY();
    expect(publicKeyFromSec1(bytes(`04${hex(low.x)}${hex(low.y)}`))).toHaveLength(65);
    refused(() => publicKeyFromSec1(bytes(`04${hex(low.x)}${hex(low.y + PRIME)}`)));
  });

  test.each([
    ["the point at infinity", "00"],
    ["a prefix alone", "04"],
    ["an x of no point", `02${hex(0n)}`],
    ["an x of no point, and a y", `04${hex(0n)}${hex(1n)}`],
    ["a compressed point with the prefix of the uncompressed form", `04${hex(1n)}`],
    ["a compressed point with the prefix of the hybrid form", `06${hex(1n)}`],
    ["an uncompressed point with the prefix of the compressed form", `02${Point.BASE.toHex(false).slice(2)}`],
    ["a hybrid point", `06${Point.BASE.toHex(false).slice(2)}`],
  ])("refuses %s", (_name, sec1) => refused(() => publicKeyFromSec1(bytes(sec1))));
});

describe("publicKeyFromEcPoint", () => {
  test.each([
    ["a DER OCTET STRING", `0441${tail}`],
    ["the raw point that some modules give", tail],
    ["a compressed point in an OCTET STRING", `0421${compressedTail}`],
    ["a raw compressed point", compressedTail],
    ["the BIT STRING that some modules return", `034200${tail}`],
    ["a compressed point in a BIT STRING", `032200${compressedTail}`],
  ])("reads %s", (_name, hex) => expect(publicKeyFromEcPoint(bytes(hex))).toEqual(publicKey));

  test("reads a raw point whose second byte looks like a DER length", () => {
    let key = 1n;
    const point = () => Point.BASE.multiply(key).toBytes(false);
    while (point()[1] !== 0x3f && point()[1] !== 0x41) key += 1n;
    expect(publicKeyFromEcPoint(point())).toEqual(point());
  });

  test("does not take a point out of an element with another tag than an OCTET STRING's or a BIT STRING's", () => {
    for (const tag of [0x02, 0x03, 0x05, 0x24, 0x30]) {
      refused(() => publicKeyFromEcPoint(Uint8Array.of(tag, 65, ...publicKey)));
      refused(() => publicKeyFromEcPoint(Uint8Array.of(tag, 33, ...compressed)));
    }
  });

  test.each(rows(malformedEcPoint(publicKey)))("refuses %s", (_name, malformed, code) =>
    refused(() => publicKeyFromEcPoint(malformed), code),
  );
  test.each(WRONG_TYPES)("refuses %p in place of bytes", (value) =>
    refused(() => publicKeyFromEcPoint(value as never)),
  );
});

describe("publicKeyFromSpki", () => {
  test("reads an uncompressed and a compressed point alike", () => {
    expect(publicKeyFromSpki(bytes(HEADER + tail))).toEqual(publicKey);
    expect(publicKeyFromSpki(bytes(COMPRESSED_HEADER + compressedTail))).toEqual(publicKey);
  });

  test("reads what OpenSSL writes", () => {
    for (let i = 0; i < 20; i += 1) {
      const { publicKey: key } = generateKeyPairSync("ec", { namedCurve: "secp256k1" });
      const jwk = key.export({ format: "jwk" });
      const spki = publicKeyFromSpki(key.export({ format: "der", type: "spki" }));
      expect(spki).toEqual(publicKeyFromJwk(jwk as never));
    }
  });

  test("names the algorithm or the curve that cannot sign for Ethereum", () => {
    const p256 = `3059301306072a8648ce3d020106082a8648ce3d030107034200${"04".repeat(65)}`;
    expect(message(() => publicKeyFromSpki(bytes(p256)))).toMatch(/the key's curve is 1\.2\.840\.10045\.3\.1\.7;/);
    expect(message(() => publicKeyFromSpki(rsaSpki(550)))).toMatch(
      /the key's algorithm is 1\.2\.840\.113549\.1\.1\.1;/,
    );
  });

  test("looks at 1,024 bytes at most", () => {
    expect(rsaSpki(1024)).toHaveLength(1024);
    refused(() => publicKeyFromSpki(rsaSpki(1024)), "KEY_UNUSABLE");
    refused(() => publicKeyFromSpki(rsaSpki(1025)), "BACKEND_RESPONSE_INVALID");
  });

  test.each([
    [
      "an algorithm that is not an OBJECT IDENTIFIER",
      `3056301002072a8648ce3d020206052b8104000a034200${"04".repeat(65)}`,
    ],
    ["a curve that is not an OBJECT IDENTIFIER", `3056301006072a8648ce3d020102052b8104000b034200${"04".repeat(65)}`],
    ["an algorithm that is not a SEQUENCE", `3056311006072a8648ce3d020106052b8104000b034200${"04".repeat(65)}`],
    ["a SET", `31${HEADER.slice(2)}${tail}`],
  ])("does not take %s for a key of another kind", (_name, spki) => {
    refused(() => publicKeyFromSpki(bytes(spki)), "BACKEND_RESPONSE_INVALID");
  });

  test.each([
    ["P-256", () => generateKeyPairSync("ec", { namedCurve: "P-256" })],
    ["secp384r1", () => generateKeyPairSync("ec", { namedCurve: "secp384r1" })],
    ["RSA", () => generateKeyPairSync("rsa", { modulusLength: 2048 })],
    ["Ed25519", () => generateKeyPairSync("ed25519")],
  ])("says of a %s key that it is of another kind", (_name, generate) => {
    const spki = generate().publicKey.export({ format: "der", type: "spki" });
    refused(() => publicKeyFromSpki(spki), "KEY_UNUSABLE");
  });

  test("refuses explicit curve parameters", () => {
    const { publicKey: key } = generateKeyPairSync("ec", { namedCurve: "secp256k1", paramEncoding: "explicit" });
    refused(() => publicKeyFromSpki(key.export({ format: "der", type: "spki" })));
  });

  test.each(rows(malformedSpki(publicKey)))("refuses %s", (_name, malformed, code) =>
    refused(() => publicKeyFromSpki(malformed), code),
  );
  test.each(WRONG_TYPES)("refuses %p in place of bytes", (value) => refused(() => publicKeyFromSpki(value as never)));

  test("answers or refuses any change of any byte", () => {
    fc.assert(
      fc.property(fc.nat(87), fc.nat(255), (position, value) => {
        const spki = bytes(HEADER + tail);
        spki[position] = value;
        try {
          expect(publicKeyFromSpki(spki)).toEqual(publicKey);
        } catch (error) {
          expect(["BACKEND_RESPONSE_INVALID", "KEY_UNUSABLE"]).toContain((error as { code: string }).code);
        }
      }),
      { numRuns: cases(3_000, 300) },
    );
  });
});

describe("publicKeyFromJwk", () => {
  const x = publicKey.slice(1, 33);
  const y = publicKey.slice(33);
  const jwk = (changes: object) => publicKeyFromJwk({ kty: "EC", crv: "P-256K", x, y, ...changes });

  test.each(["P-256K", "SECP256K1", "secp256k1"])("reads crv %s, with bytes and with base64url", (crv) => {
    expect(publicKeyFromJwk({ kty: "EC", crv, x, y })).toEqual(publicKey);
    expect(publicKeyFromJwk({ kty: "EC-HSM", crv, x: url(x), y: url(y) })).toEqual(publicKey);
  });

  test("pads short coordinates", () => {
    let key = 1n;
    const point = () => Point.BASE.multiply(key).toBytes(false);
    while (point()[1] !== 0) key += 1n;
    const shortX = point().slice(2, 33);
    expect(publicKeyFromJwk({ kty: "EC", crv: "P-256K", x: shortX, y: point().slice(33) })).toEqual(point());
    expect(publicKeyFromJwk({ kty: "EC", crv: "P-256K", x: url(shortX), y: url(point().slice(33)) })).toEqual(point());
  });

  test.each([
    ["P-256", { kty: "EC", crv: "P-256", x, y }],
    ["no crv", { kty: "EC", x, y }],
    ["RSA", { kty: "RSA", crv: "P-256K", x, y }],
    ["oct-HSM", { kty: "oct-HSM", crv: "P-256K", x, y }],
    ["no kty", { crv: "P-256K", x, y }],
    ["a crv that is not a string", { kty: "EC", crv: {} as never, x, y }],
  ])("says of %s that the key is of another kind", (_name, jwk) => {
    refused(() => publicKeyFromJwk(jwk), "KEY_UNUSABLE");
  });

  test.each<[string, unknown, unknown]>([
    ["no x", undefined, y],
    ["no y", x, undefined],
    ["x empty", new Uint8Array(), y],
    ["x empty text", "", url(y)],
    ["x of 33 bytes", Uint8Array.of(0, ...x), y],
    ["x and y swapped", y, x],
    ["y off the curve", x, x],
    ["standard base64", `+${url(x).slice(1)}`, url(y)],
    ["padded base64url", `${url(x)}=`, url(y)],
    ["blanks", ` ${url(x)}`, url(y)],
    ["a length that base64 cannot have", url(x).slice(0, 41), url(y)],
    ["x of 1 MB", "A".repeat(1_000_000), url(y)],
    ["numbers", 1, 2],
  ])("refuses %s", (_name, badX, badY) => {
    refused(() => publicKeyFromJwk({ kty: "EC", crv: "P-256K", x: badX as never, y: badY as never }));
  });

  test.each([
    [{ kty: "RSA" }, 'the key has kty and crv "RSA", "P-256K";'],
    [{ crv: "P-384" }, 'the key has kty and crv "EC", "P-384";'],
    [{ crv: undefined }, 'the key has kty and crv "EC", undefined;'],
    [{ kty: { toString: 1, valueOf: 1 } }, 'the key has kty and crv object, "P-256K";'],
    [{ crv: "x".repeat(1_000_000) }, `the key has kty and crv "EC", "${"x".repeat(32)}";`],
  ])("names the kty and the crv of another kind", (changes, text) => {
    refused(() => jwk(changes), "KEY_UNUSABLE");
    expect(message(() => jwk(changes))).toContain(text);
  });

  test.each([
    [{ x: Uint8Array.of(0, ...x) }, "the JSON Web Key's x has 33 bytes instead of 1 to 32"],
    [{ y: new Uint8Array() }, "the JSON Web Key's y has 0 bytes instead of 1 to 32"],
    [{ x: "AA==" }, "the JSON Web Key's x, base64url"],
    [{ y: "A".repeat(66) }, "the JSON Web Key's y, base64url"],
    [{ y: "A".repeat(64) }, "the JSON Web Key's y has 48 bytes instead of 1 to 32"],
    [{ x: undefined }, "the JSON Web Key's x, base64url"],
    [{ y: 1 }, "or bytes, is not a Uint8Array but number"],
  ])("names the coordinate that is wrong, and how", (changes, text) => {
    refused(() => jwk(changes));
    expect(message(() => jwk(changes))).toContain(text);
  });

  test("reads base64url of every length, and is no more lenient than RFC 4648", () => {
    // The point whose x is 1, in as few characters as may be.
    const point = Point.fromHex(`02${hex(1n)}`);
    const rest = url(point.toBytes(false).slice(33));
    const read = (text: string) => hexlify(jwk({ x: text, y: rest }));
    for (const text of ["AQ", "AAE", "AAAB", "AAAAAQ"]) expect(read(text)).toBe(`0x${point.toHex(false)}`);
    for (const text of ["AQ=", "AQ==", " AQ", "AQ ", "AQ\n", "A.Q", "AAABA", "=AQ", "AR", "AAF"])
      refused(() => read(text));
  });

  test.each([undefined, null, "EC"])("refuses %p in place of a JSON Web Key", (value) => {
    refused(() => publicKeyFromJwk(value as never));
  });
});

describe("addressFromPublicKey", () => {
  test("has the checksum of EIP-55, from either form of the point", () => {
    expect(addressFromPublicKey(publicKey)).toBe(ADDRESS);
    expect(addressFromPublicKey(compressed)).toBe(ADDRESS);
  });

  test("refuses what is no point", () => refused(() => addressFromPublicKey(publicKey.slice(1))));
});

/** A DER SubjectPublicKeyInfo of an RSA key, of so many bytes in all, 256 at least. */
function rsaSpki(length: number): Uint8Array {
  const be = (value: number) => value.toString(16).padStart(4, "0");
  const rsa = "06092a864886f70d0101010500";
  return bytes(`3082${be(length - 4)}300d${rsa}0382${be(length - 23)}${"00".repeat(length - 23)}`);
}

/** A point with a y next to 0: x is a cube root of y² - 7, which one y in three has. */
function pointWithSmallY(): { readonly x: bigint; readonly y: bigint } {
  for (let y = 1n; ; y += 1n) {
    // p is 7 modulo 9, so that a^((p + 2)/9) is a cube root of a if there is one.
    const x = power(y * y - 7n, (PRIME + 2n) / 9n);
    if ((x ** 3n - y * y + 7n) % PRIME === 0n) return { x, y };
  }
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  let square = ((base % PRIME) + PRIME) % PRIME;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % PRIME;
    square = (square * square) % PRIME;
  }
  return result;
}
