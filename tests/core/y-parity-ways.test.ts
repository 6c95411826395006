import { afterEach, describe, expect, jest, test } from "@jest/globals";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { getBytes, hexlify, SigningKey, toBeHex } from "ethers";
import { Tables } from "../../src/core/tables.ts";
import { verifiedYParity } from "../../src/core/y-parity.ts";
import { ORDER, refused } from "./support.ts";

const key = new SigningKey(toBeHex(0xc0ffeen, 32));
const publicKey = getBytes(key.publicKey);
const digestOf = (value: number) => getBytes(toBeHex(value, 32));

const signed = (value: number) => {
  const { r, s, yParity } = key.sign(digestOf(value));
  return { digest: digestOf(value), signature: { r: BigInt(r), s: BigInt(s) }, yParity };
};

/** Verifies so many signatures, of low and of high s. */
const verify = (count: number) => {
  for (let value = 1; value <= count; value += 1) {
    const { digest, signature, yParity } = signed(value);
    expect(verifiedYParity(publicKey, digest, signature)).toBe(yParity);
    expect(verifiedYParity(publicKey, digest, { r: signature.r, s: ORDER - signature.s })).toBe(1 - yParity);
  }
};

afterEach(() => {
  jest.restoreAllMocks();
});

// In this order: until then nothing was verified in this process, and there are no tables.
describe("a right signature is confirmed by one sum", () => {
  test("without tables at first", () => {
    const recover = jest.spyOn(SigningKey, "recoverPublicKey");
    const table = jest.spyOn(Tables.prototype, "key");
    verify(16);
    expect(recover).not.toHaveBeenCalled();
    expect(table).not.toHaveBeenCalled();
  });

  test("by tables in the course of the next ones", () => {
    const recover = jest.spyOn(SigningKey, "recoverPublicKey");
    const table = jest.spyOn(Tables.prototype, "key");
    while (table.mock.calls.length === 0) verify(1);
    table.mockClear();
    verify(20);
    expect(recover).not.toHaveBeenCalled();
    expect(table).toHaveBeenCalledTimes(40);
  });

  test("and a wrong one is refused only after ethers could not recover the key", () => {
    const recover = jest.spyOn(SigningKey, "recoverPublicKey");
    const { signature } = signed(1);
    const wrong = () => verifiedYParity(publicKey, digestOf(2), signature);
    refused(wrong, "SIGNATURE_MISMATCH");
    expect(recover).toHaveBeenCalledTimes(2);
    // What it says, and what to look at: the two usual reasons.
    expect(wrong).toThrow(/not by the expected key over the requested digest.*key .*has not changed.*without hashing/s);
  });

  test("and a key of any wrong length is no key", () => {
    const { digest, signature } = signed(1);
    for (const length of [0, 32, 34, 64, 66, 1_000_000]) {
      refused(() => verifiedYParity(new Uint8Array(length).fill(4), digest, signature));
    }
  });

  test("and where the sum says nothing, ethers tells the parity", () => {
    // u1·G = u2·Q: equal points meet in the sum.
    const { Point } = secp256k1;
    const u = 12345n;
    const R = Point.BASE.multiply(2n * u);
    const r = R.x % ORDER;
    const s = Point.Fn.mul(r, Point.Fn.inv(u));
    const digest = getBytes(toBeHex(Point.Fn.mul(u, s), 32));
    const recover = jest.spyOn(SigningKey, "recoverPublicKey");
    const G = Point.BASE.toBytes(false);
    expect(verifiedYParity(G, digest, { r, s })).toBe(Number(R.y & 1n));
    expect(verifiedYParity(G, digest, { r, s: ORDER - s })).toBe(1 - Number(R.y & 1n));
    expect(hexlify(G)).toBe(recover.mock.results.at(-1)?.value);
  });
});
