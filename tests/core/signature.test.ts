import { describe, expect, test } from "@jest/globals";
import { Signature } from "ethers";
import fc from "fast-check";
import { checkSignatureRange, signatureFromCompact, toLowS } from "../../src/core/signature.ts";
import { bytes, ORDER, refused, scalar } from "./support.ts";

const hex = (value: bigint) => value.toString(16).padStart(64, "0");

describe("signatureFromCompact", () => {
  test("reads r and s, short ones too", () => {
    fc.assert(
      fc.property(scalar(), scalar(), (r, s) => {
        expect(signatureFromCompact(bytes(hex(r) + hex(s)))).toEqual({ r, s });
      }),
    );
  });

  test.each([0, 1, 32, 63, 65, 66, 128])("refuses %d bytes", (length) => {
    refused(() => signatureFromCompact(new Uint8Array(length).fill(1)));
  });

  test.each([
    ["r zero", 0n, 1n],
    ["s zero", 1n, 0n],
    ["r = n", ORDER, 1n],
    ["s = n", 1n, ORDER],
    ["s = n + 1", 1n, ORDER + 1n],
    ["r = 2^256 - 1", 2n ** 256n - 1n, 1n],
  ])("refuses %s", (_name, r, s) => {
    refused(() => signatureFromCompact(bytes(hex(r) + hex(s))));
  });

  test.each([undefined, null, "0x", hex(1n) + hex(1n), [1], 64])("refuses %p in place of bytes", (value) => {
    refused(() => signatureFromCompact(value as never));
  });
});

describe("checkSignatureRange", () => {
  test.each([
    undefined,
    null,
    "r‖s",
    {},
    { r: 1n },
    { r: 1, s: 1n },
    { r: 1n, s: "1" },
    { r: -1n, s: 1n },
    { r: 1n, s: 2n ** 300n },
  ])("refuses %p", (signature) => {
    refused(() => checkSignatureRange(signature as never));
  });

  test("returns r and s alone", () => {
    expect(checkSignatureRange({ r: 1n, s: 2n, v: 27 } as never)).toEqual({ r: 1n, s: 2n });
  });
});

describe("toLowS", () => {
  test.each([
    ["1", 1n, 1n],
    ["n/2 rounded down, the highest low s", ORDER >> 1n, ORDER >> 1n],
    ["n/2 rounded up, the lowest high s", (ORDER >> 1n) + 1n, ORDER >> 1n],
    ["n - 1", ORDER - 1n, 1n],
  ])("s = %s", (_name, s, low) => {
    expect(toLowS({ r: 7n, s })).toEqual({ r: 7n, s: low });
  });

  test("gives what ethers calls canonical, and is idempotent", () => {
    fc.assert(
      fc.property(scalar(), scalar(), (r, s) => {
        const low = toLowS({ r, s });
        expect(Signature.from({ r: `0x${hex(low.r)}`, s: `0x${hex(low.s)}`, yParity: 0 }).isValid()).toBe(true);
        expect(toLowS(low)).toEqual(low);
        expect(low.s === s || low.s === ORDER - s).toBe(true);
      }),
    );
  });
});
