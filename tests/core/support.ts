import { expect } from "@jest/globals";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { getBytes } from "ethers";
import fc from "fast-check";
import { isSignerError, type SignerErrorCode } from "../../src/core/errors.ts";

/** n of secp256k1, from SEC 2 rather than from the code under test. */
export const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

/** p of secp256k1. */
export const PRIME = 2n ** 256n - 2n ** 32n - 977n;

export const { Point } = secp256k1;

export const bytes = (hex: string): Uint8Array => getBytes(`0x${hex}`);

/** 1..n-1, with a bias to both ends and to short numbers. */
export const scalar = (): fc.Arbitrary<bigint> =>
  fc.oneof(
    fc.bigInt({ min: 1n, max: ORDER - 1n }),
    fc.bigInt({ min: 1n, max: 2n ** 16n }),
    fc.bigInt({ min: 1n, max: 2n ** 240n }),
    fc.bigInt({ min: ORDER - 2n ** 16n, max: ORDER - 1n }),
  );

/** Expects `decode` to throw a SignerError of `code`. */
export function refused(decode: () => unknown, code: SignerErrorCode = "BACKEND_RESPONSE_INVALID"): void {
  let error: unknown;
  try {
    decode();
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toMatchObject({ code, message: expect.stringMatching(/\w{3}/) });
  expect(isSignerError(error, code)).toBe(true);
}
