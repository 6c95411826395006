import { generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "@jest/globals";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { computeAddress, encodeBase64, getBytes, hexlify, SigningKey, toBeHex } from "ethers";
import fc from "fast-check";
import {
  addressFromPublicKey,
  publicKeyFromEcPoint,
  publicKeyFromJwk,
  publicKeyFromSec1,
  publicKeyFromSpki,
} from "../../src/core/public-key.ts";
import type { MalformedBytes } from "../../src/testing/hostile-case.ts";
import { malformedEcPoint, malformedSec1, malformedSpki } from "../../src/testing/malformed-public-keys.ts";
import { bytes, refused, scalar } from "./support.ts";

const PRIVATE_KEY = "0x4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318";
const ADDRESS = "0x2c7536E3605D9C16a7a3D7b1898e529396a65c23";
const publicKey = getBytes(new SigningKey(PRIVATE_KEY).publicKey);
const compressed = getBytes(new SigningKey(PRIVATE_KEY).compressedPublicKey);
const HEADER = "3056301006072a8648ce3d020106052b8104000a034200";
const COMPRESSED_HEADER = "3036301006072a8648ce3d020106052b8104000a032200";
const tail = hexlify(publicKey).slice(2);
const compressedTail = hexlify(compressed).slice(2);

const rows = (table: readonly MalformedBytes[]) => table.map(({ name, bytes, code }) => [name, bytes, code] as const);

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
});

describe("publicKeyFromEcPoint", () => {
  test.each([
    ["a DER OCTET STRING", `0441${tail}`],
    ["the raw point that some modules give", tail],
    ["a compressed point in an OCTET STRING", `0421${compressedTail}`],
    ["a raw compressed point", compressedTail],
  ])("reads %s", (_name, hex) => expect(publicKeyFromEcPoint(bytes(hex))).toEqual(publicKey));

  test("reads a raw point whose second byte looks like a DER length", () => {
    let key = 1n;
    const point = () => secp256k1.Point.BASE.multiply(key).toBytes(false);
    while (point()[1] !== 0x3f && point()[1] !== 0x41) key += 1n;
    expect(publicKeyFromEcPoint(point())).toEqual(point());
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
      { numRuns: 2000 },
    );
  });
});

describe("publicKeyFromJwk", () => {
  const x = publicKey.slice(1, 33);
  const y = publicKey.slice(33);
  const url = (value: Uint8Array) => encodeBase64(value).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");

  test.each(["P-256K", "SECP256K1", "secp256k1"])("reads crv %s, with bytes and with base64url", (crv) => {
    expect(publicKeyFromJwk({ kty: "EC", crv, x, y })).toEqual(publicKey);
    expect(publicKeyFromJwk({ kty: "EC-HSM", crv, x: url(x), y: url(y) })).toEqual(publicKey);
  });

  test("pads short coordinates", () => {
    let key = 1n;
    const point = () => secp256k1.Point.BASE.multiply(key).toBytes(false);
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
    ["a crv that is no text", { kty: "EC", crv: {} as never, x, y }],
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
