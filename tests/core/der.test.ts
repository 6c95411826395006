import { describe, expect, test } from "@jest/globals";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { hexlify } from "ethers";
import fc from "fast-check";
import { signatureFromDer, signatureToDer } from "../../src/core/der.ts";
import { malformedDer } from "../../src/testing/malformed-der.ts";
import { bytes, ORDER, refused, scalar } from "./support.ts";

const R = 0x7fn;
const HIGH = ORDER - 1n;

describe("signatureFromDer", () => {
  test.each([
    ["the shortest", "3006020101020101", 1n, 1n],
    ["a top bit that needs a zero", "300702020080020101", 0x80n, 1n],
    ["r of 31 bytes", `302402${"1f"}${"11".repeat(31)}020101`, BigInt(`0x${"11".repeat(31)}`), 1n],
    ["the longest, 72 bytes", `3046022100${HIGH.toString(16)}022100${HIGH.toString(16)}`, HIGH, HIGH],
  ])("reads %s", (_name, hex, r, s) => {
    expect(signatureFromDer(bytes(hex))).toEqual({ r, s });
    expect(hexlify(signatureToDer({ r, s }))).toBe(`0x${hex}`);
  });

  test.each(malformedDer().map(({ name, bytes, code }) => [name, bytes, code] as const))(
    "refuses %s",
    (_name, malformed, code) => refused(() => signatureFromDer(malformed), code),
  );

  test.each([
    ["undefined", undefined],
    ["null", null],
    ["a hex string", "0x3006020101020101"],
    ["an array of numbers", [0x30, 6, 2, 1, 1, 2, 1, 1]],
    ["an ArrayBuffer", new ArrayBuffer(8)],
    ["a Uint16Array", new Uint16Array(8)],
    ["an object", { length: 8 }],
  ])("refuses %s in place of bytes", (_name, value) => {
    refused(() => signatureFromDer(value as never));
  });

  test("reads a Buffer and a view into a longer one", () => {
    expect(signatureFromDer(Buffer.from("3006020101020101", "hex"))).toEqual({ r: 1n, s: 1n });
    const view = new Uint8Array([9, ...bytes("3006020101020101"), 9]).subarray(1, 9);
    expect(signatureFromDer(view)).toEqual({ r: 1n, s: 1n });
  });

  test("agrees with @noble/curves on every signature, both ways", () => {
    fc.assert(
      fc.property(scalar(), scalar(), (r, s) => {
        const der = new secp256k1.Signature(r, s).toBytes("der");
        expect(signatureFromDer(der)).toEqual({ r, s });
        expect(hexlify(signatureToDer({ r, s }))).toBe(hexlify(der));
      }),
      { numRuns: 1000 },
    );
  });

  test("accepts a mutated signature only where its encoding is canonical", () => {
    fc.assert(
      fc.property(scalar(), scalar(), fc.nat(71), fc.nat(255), (r, s, position, value) => {
        const der = signatureToDer({ r, s });
        der[position % der.length] = value;
        const decoded = attempt(() => signatureFromDer(der));
        if (decoded) expect(hexlify(signatureToDer(decoded))).toBe(hexlify(der));
      }),
      { numRuns: 3000 },
    );
  });

  test("answers or refuses any bytes, and never throws another error", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (junk) => {
        attempt(() => signatureFromDer(junk));
        attempt(() => signatureFromDer(Uint8Array.of(0x30, junk.length, ...junk)));
      }),
      { numRuns: 3000 },
    );
  });

  test("keeps the numbers of a short r", () => {
    expect(signatureFromDer(signatureToDer({ r: R, s: HIGH }))).toEqual({ r: R, s: HIGH });
  });
});

function attempt<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch (error) {
    refused(() => {
      throw error;
    });
    return undefined;
  }
}
