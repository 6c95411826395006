import { expect, test } from "@jest/globals";
import { getBytes, hexlify, id, randomBytes, sha256 } from "ethers";
import { BLOB_CAPACITY, decodeBlob, encodeBlob, versionedHash } from "../../examples/blob-transaction/blob.ts";

// The order of BLS12-381's scalar field (EIP-4844, BLS_MODULUS).
const MODULUS = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001n;

test.each([0, 1, 27, 28, 31, 62, 1000, BLOB_CAPACITY])("%d bytes go into a blob and come back", (length) => {
  const data = Uint8Array.from({ length }, (_, index) => 255 - (index % 251));
  const blob = getBytes(encodeBlob(data));
  expect(blob).toHaveLength(131_072);
  expect(hexlify(decodeBlob(blob))).toBe(hexlify(data));
});

test("each of its elements is one of the field", () => {
  const blob = getBytes(encodeBlob(new Uint8Array(BLOB_CAPACITY).fill(255)));
  for (let start = 0; start < blob.length; start += 32) {
    expect(BigInt(hexlify(blob.subarray(start, start + 32)))).toBeLessThan(MODULUS);
  }
});

test("what is too long, and what is no blob, is refused", () => {
  expect(() => encodeBlob(new Uint8Array(BLOB_CAPACITY + 1))).toThrow("126972");
  expect(() => decodeBlob(randomBytes(131_071))).toThrow("131072");
});

test("a versioned hash is a SHA-256 with 1 for its first byte", () => {
  const commitment = id("a commitment");
  expect(versionedHash(commitment)).toBe(`0x01${sha256(commitment).slice(4)}`);
});
