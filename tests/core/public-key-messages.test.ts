import { describe, expect, test } from "@jest/globals";
import { encodeBase64, hexlify } from "ethers";
import { publicKeyFromJwk, publicKeyFromSec1, publicKeyFromSpki } from "../../src/core/public-key.ts";
import { Point } from "./reference.ts";
import { bytes, refused } from "./support.ts";

const G = Point.BASE;
const RSA = "06092a864886f70d0101010500";

/** A DER SubjectPublicKeyInfo of an RSA key, of so many bytes in all, 256 at least. */
const rsaSpki = (length: number) => {
  const be = (value: number) => value.toString(16).padStart(4, "0");
  return bytes(`3082${be(length - 4)}300d${RSA}0382${be(length - 23)}${"00".repeat(length - 23)}`);
};

const message = (decode: () => unknown): string => {
  try {
    decode();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("it was not refused");
};

describe("publicKeyFromSpki", () => {
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
    ["an algorithm that is no OBJECT IDENTIFIER", `3056301002072a8648ce3d020206052b8104000a034200${"04".repeat(65)}`],
    ["a curve that is no OBJECT IDENTIFIER", `3056301006072a8648ce3d020102052b8104000b034200${"04".repeat(65)}`],
    ["an algorithm that is no SEQUENCE", `3056311006072a8648ce3d020106052b8104000b034200${"04".repeat(65)}`],
    ["another algorithm, and no BIT STRING", `3012300d${RSA}040100`],
    ["another algorithm alone", `300f300d${RSA}`],
  ])("does not take %s for a key of another kind", (_name, spki) => {
    refused(() => publicKeyFromSpki(bytes(spki)), "BACKEND_RESPONSE_INVALID");
  });
});

describe("publicKeyFromSec1", () => {
  test("says how long the wrong bytes are", () => {
    expect(message(() => publicKeyFromSec1(new Uint8Array(64)))).toMatch(/\(64 bytes\) is no SEC1 point of secp256k1/);
  });
});

describe("publicKeyFromJwk", () => {
  const [x, y] = [G.toBytes(false).slice(1, 33), G.toBytes(false).slice(33)];
  const url = (value: Uint8Array) => encodeBase64(value).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
  const jwk = (changes: object) => publicKeyFromJwk({ kty: "EC", crv: "P-256K", x, y, ...changes });

  test.each([
    [{ kty: "RSA" }, 'the key is "RSA" on "P-256K";'],
    [{ crv: "P-384" }, 'the key is "EC" on "P-384";'],
    [{ crv: undefined }, 'the key is "EC" on undefined;'],
    [{ kty: {} }, 'the key is object on "P-256K";'],
    [{ crv: "x".repeat(1_000_000) }, `the key is "EC" on "${"x".repeat(32)}";`],
  ])("names the kty and the crv of another kind", (changes, text) => {
    expect(message(() => jwk(changes))).toContain(text);
  });

  test.each([
    [{ x: Uint8Array.of(0, ...x) }, "the JSON Web Key's x has 33 bytes instead of 1 to 32"],
    [{ y: new Uint8Array() }, "the JSON Web Key's y has 0 bytes instead of 1 to 32"],
    [{ x: "AA==" }, "the JSON Web Key's x is no base64url"],
    [{ y: "A".repeat(66) }, "the JSON Web Key's y is no base64url"],
    [{ y: "A".repeat(64) }, "the JSON Web Key's y has 48 bytes instead of 1 to 32"],
    [{ x: undefined }, "the JSON Web Key's x is no Uint8Array but undefined"],
    [{ y: 1 }, "the JSON Web Key's y is no Uint8Array but number"],
  ])("names the coordinate that is wrong, and how", (changes, text) => {
    expect(message(() => jwk(changes))).toContain(text);
  });

  test("reads base64url of every length, and is no more lenient than RFC 4648", () => {
    // The point whose x is 1, in as few characters as may be.
    const point = Point.fromHex(`02${"00".repeat(31)}01`);
    const rest = url(point.toBytes(false).slice(33));
    const read = (text: string) => hexlify(jwk({ x: text, y: rest }));
    for (const text of ["AQ", "AAE", "AAAB", "AAAAAQ"]) expect(read(text)).toBe(`0x${point.toHex(false)}`);
    for (const text of ["AQ=", "AQ==", " AQ", "AQ ", "AQ\n", "A.Q", "AAABA", "=AQ"]) refused(() => read(text));
  });
});
