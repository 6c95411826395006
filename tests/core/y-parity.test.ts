import { describe, expect, test } from "@jest/globals";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { computeAddress, getBytes, hexlify, recoverAddress, Signature, SigningKey, toBeHex } from "ethers";
import fc from "fast-check";
import { type RawSignature, toLowS } from "../../src/core/signature.ts";
import { verifiedYParity } from "../../src/core/y-parity.ts";
import { bytes, ORDER, PRIME, refused, scalar } from "./support.ts";

const { Point } = secp256k1;
const digestOf = (value: bigint) => getBytes(toBeHex(value, 32));
const anyDigest = () => fc.uint8Array({ minLength: 32, maxLength: 32 });
const mod = (value: bigint) => ((value % ORDER) + ORDER) % ORDER;

/** An ECDSA signature with a chosen nonce k, by the textbook: s may be high. */
function sign(privateKey: bigint, digest: Uint8Array, k: bigint): RawSignature {
  const r = mod(Point.BASE.multiply(k).x);
  const s = mod(Point.Fn.inv(k) * (BigInt(hexlify(digest)) + r * privateKey));
  return { r, s };
}

/** The parity, or the code of the refusal. */
function judge(publicKey: Uint8Array, digest: Uint8Array, signature: RawSignature): unknown {
  try {
    return verifiedYParity(publicKey, digest, signature);
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
}

// First in this file: until then nothing was verified, and there are no tables.
describe("the first signatures of a process, and those after many others", () => {
  const cases = [2n, ORDER - 3n, 0xc0ffeen, 1n, ORDER - 1n].flatMap((privateKey) => {
    const publicKey = Point.BASE.multiply(privateKey).toBytes(false);
    const compressed = Point.BASE.multiply(privateKey).toBytes(true);
    const digest = digestOf(privateKey + 77n);
    const good = sign(privateKey, digest, 0xabcdefn);
    // R = u1·G + u2·Q is infinite for z = -r·d, and -R's for the opposite key.
    const infinite = digestOf(mod(-good.r * privateKey));
    return [
      { publicKey, digest, signature: good },
      { publicKey: compressed, digest, signature: { r: good.r, s: ORDER - good.s } },
      { publicKey, digest: digestOf(0n), signature: sign(privateKey, digestOf(0n), 5n) },
      { publicKey, digest: infinite, signature: good },
      { publicKey, digest: digestOf(1n), signature: good },
      { publicKey: publicKey.map((byte, index) => (index === 64 ? byte ^ 1 : byte)), digest, signature: good },
    ];
  });
  const outcomes = () => cases.map(({ publicKey, digest, signature }) => judge(publicKey, digest, signature));

  test("are judged alike", () => {
    const first = outcomes();
    const parity = expect.any(Number);
    const refusals = ["SIGNATURE_MISMATCH", "SIGNATURE_MISMATCH", "BACKEND_RESPONSE_INVALID"];
    expect(first).toEqual([1, 2, 3, 4, 5].flatMap(() => [parity, parity, parity, ...refusals]));
    for (const [index, { publicKey, digest, signature }] of cases.entries()) {
      if (typeof first[index] !== "number") continue;
      const recovered = new secp256k1.Signature(signature.r, signature.s, first[index]).recoverPublicKey(digest);
      expect(recovered.equals(Point.fromBytes(publicKey))).toBe(true);
    }
    for (let round = 0; round < 10; round += 1) expect(outcomes()).toEqual(first);
  });
});

describe("verifiedYParity", () => {
  test("is the parity that recovers the address, for low and for high s", () => {
    fc.assert(
      fc.property(scalar(), anyDigest(), scalar(), (privateKey, digest, k) => {
        const key = new SigningKey(toBeHex(privateKey, 32));
        const raw = sign(privateKey, digest, k);
        fc.pre(raw.r !== 0n && raw.s !== 0n);
        const low = toLowS(raw);
        const yParity = verifiedYParity(getBytes(key.publicKey), digest, low);
        const signature = Signature.from({ r: toBeHex(low.r, 32), s: toBeHex(low.s, 32), yParity });
        expect(recoverAddress(digest, signature)).toBe(computeAddress(key.publicKey));
        const opposite = { r: low.r, s: ORDER - low.s };
        expect(verifiedYParity(getBytes(key.publicKey), digest, opposite)).toBe(1 - yParity);
      }),
      { numRuns: 300 },
    );
  });

  test("equals ethers' own signatures", () => {
    fc.assert(
      fc.property(scalar(), anyDigest(), (privateKey, digest) => {
        const key = new SigningKey(toBeHex(privateKey, 32));
        const { r, s, yParity } = key.sign(digest);
        expect(verifiedYParity(getBytes(key.publicKey), digest, { r: BigInt(r), s: BigInt(s) })).toBe(yParity);
      }),
      { numRuns: 300 },
    );
  });

  test.each([
    ["zero", digestOf(0n)],
    ["n, which is zero modulo n", digestOf(ORDER)],
    ["n + 1", digestOf(ORDER + 1n)],
    ["2^256 - 1", digestOf(2n ** 256n - 1n)],
  ])("works where the digest is %s", (_name, digest) => {
    const key = new SigningKey(toBeHex(5n, 32));
    const low = toLowS(sign(5n, digest, 7n));
    const yParity = verifiedYParity(getBytes(key.publicKey), digest, low);
    const signature = Signature.from({ r: toBeHex(low.r, 32), s: toBeHex(low.s, 32), yParity });
    expect(recoverAddress(digest, signature)).toBe(computeAddress(key.publicKey));
  });

  test.each([
    ["equal: u1·G = u2·Q", 1n],
    ["opposite but for one G: R = -G", -1n],
  ])("works where the two points are %s", (_name, sign_) => {
    // With the private key 1, Q = G and R = (u1 + u2)·G. r = u2·s and z = u1·s with u1 = sign_·u2 + (0 or 1 more).
    const u2 = 12345n;
    const u1 = sign_ === 1n ? u2 : mod(-u2 - 1n);
    const point = Point.BASE.multiply(mod(u1 + u2));
    const r = mod(point.x);
    const s = mod(r * Point.Fn.inv(u2));
    const digest = digestOf(mod(u1 * s));
    expect(verifiedYParity(Point.BASE.toBytes(false), digest, { r, s })).toBe(Number(point.y & 1n));
  });

  test("refuses R at infinity", () => {
    // Q = G and z = -r give u1·G = -(u2·G).
    const r = mod(Point.BASE.multiply(9n).x);
    refused(() => verifiedYParity(Point.BASE.toBytes(false), digestOf(mod(-r)), { r, s: 3n }), "SIGNATURE_MISMATCH");
  });

  test("refuses a valid signature whose R has x >= n: Ethereum has no recovery ids 2 and 3", () => {
    // No nonce for such an x is known, but a public key is: choose R, r = R.x - n, any s, and solve for Q = (s·R - z·G)/r.
    let r = 1n;
    while (!onCurve(r + ORDER)) r += 1n;
    expect(r + ORDER).toBeLessThan(PRIME);
    const R = Point.fromBytes(bytes(`02${(r + ORDER).toString(16).padStart(64, "0")}`));
    const digest = digestOf(42n);
    const s = 1234567n;
    const Q = R.multiply(s).add(Point.BASE.multiply(42n).negate()).multiply(Point.Fn.inv(r));
    const der = new secp256k1.Signature(r, s).toBytes("compact");
    expect(secp256k1.verify(der, digest, Q.toBytes(), { prehash: false, lowS: false })).toBe(true);
    refused(() => verifiedYParity(Q.toBytes(false), digest, { r, s }), "BACKEND_RESPONSE_INVALID");
  });

  const privateKey = 0xc0ffeen;
  const publicKey = Point.BASE.multiply(privateKey).toBytes(false);
  const digest = digestOf(0xd16e57n);
  const good = toLowS(sign(privateKey, digest, 99n));

  test.each<[string, Uint8Array, Uint8Array, RawSignature]>([
    ["another key", Point.BASE.multiply(privateKey + 1n).toBytes(false), digest, good],
    ["the opposite key", Point.BASE.multiply(privateKey).negate().toBytes(false), digest, good],
    ["another digest", publicKey, digestOf(0xd16e58n), good],
    ["another r", publicKey, digest, { r: good.r + 1n, s: good.s }],
    ["another s", publicKey, digest, { r: good.r, s: good.s + 1n }],
    ["r and s swapped", publicKey, digest, { r: good.s, s: good.r }],
  ])("refuses a signature by or over %s", (_name, key, over, signature) => {
    expect([0, 1]).toContain(verifiedYParity(publicKey, digest, good));
    refused(() => verifiedYParity(key, over, signature), "SIGNATURE_MISMATCH");
  });

  test.each<[string, unknown, unknown, unknown]>([
    ["r zero", publicKey, digest, { r: 0n, s: 1n }],
    ["s = n", publicKey, digest, { r: 1n, s: ORDER }],
    ["a digest of 31 bytes", publicKey, digest.slice(1), good],
    ["a digest of 33 bytes", publicKey, new Uint8Array(33), good],
    ["a hex digest", publicKey, hexlify(digest), good],
    ["a point off the curve", Uint8Array.of(4, ...new Uint8Array(63), 1), digest, good],
    ["an empty key", new Uint8Array(), digest, good],
    ["a hex key", hexlify(publicKey), digest, good],
  ])("refuses %s", (_name, key, over, signature) => {
    refused(() => verifiedYParity(key as never, over as never, signature as never));
  });

  test("agrees with @noble/curves on random signatures that are almost all wrong", () => {
    fc.assert(
      fc.property(scalar(), scalar(), fc.boolean(), (r, s, right) => {
        const signature = right ? good : toLowS({ r, s });
        const compact = new secp256k1.Signature(signature.r, signature.s).toBytes("compact");
        const valid = secp256k1.verify(compact, digest, publicKey, { prehash: false });
        expect(attempt(() => verifiedYParity(publicKey, digest, signature)) !== undefined).toBe(valid);
      }),
      { numRuns: 300 },
    );
  });
});

function attempt<T>(call: () => T): T | undefined {
  try {
    return call();
  } catch {
    return undefined;
  }
}

function onCurve(x: bigint): boolean {
  return attempt(() => Point.fromBytes(bytes(`02${x.toString(16).padStart(64, "0")}`))) !== undefined;
}
