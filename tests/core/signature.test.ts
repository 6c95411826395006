import { describe, expect, test } from "@jest/globals";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { hexlify, Signature } from "ethers";
import fc from "fast-check";
import {
  checkSignatureRange,
  signatureFromCompact,
  signatureFromDer,
  signatureToDer,
  toLowS,
} from "../../src/core/signature.ts";
import { cases } from "../support/cases.ts";
import { malformedDer } from "../support/hostile/index.ts";
import { bytes, ORDER, refused, scalar } from "./support.ts";

const hex = (value: bigint) => value.toString(16).padStart(64, "0");
const HIGH = ORDER - 1n;

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
      { numRuns: cases(3_000, 300) },
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
      { numRuns: cases(3_000, 300) },
    );
  });

  test("decodes or refuses any bytes, and never throws another error", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (junk) => {
        attempt(() => signatureFromDer(junk));
        attempt(() => signatureFromDer(Uint8Array.of(0x30, junk.length, ...junk)));
      }),
      { numRuns: cases(3_000, 300) },
    );
  });

  test("keeps the numbers of a short r", () => {
    expect(signatureFromDer(signatureToDer({ r: 0x7fn, s: HIGH }))).toEqual({ r: 0x7fn, s: HIGH });
  });
});

describe("signatureToDer", () => {
  test.each([0n, 1n, 127n, 128n, 255n, 256n, 2n ** 255n - 1n, 2n ** 255n, 2n ** 256n - 1n])(
    "of r = s = %s",
    (value) => {
      const integer = reference(value);
      const length = integer.length.toString(16).padStart(2, "0");
      expect(hexlify(signatureToDer({ r: value, s: value }))).toBe(`0x30${length}${integer}${integer}`);
    },
  );

  test("of numbers of every length", () => {
    const number = fc
      .tuple(fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }), fc.bigInt({ min: 0n, max: 255n }))
      .map(([value, shift]) => value >> shift);
    fc.assert(
      fc.property(number, number, (r, s) => {
        const content = `${reference(r)}${reference(s)}`;
        const length = (content.length / 2).toString(16).padStart(2, "0");
        expect(hexlify(signatureToDer({ r, s }))).toBe(`0x30${length}${content}`);
      }),
      { numRuns: cases(3_000, 300) },
    );
  });
});

/** X.690, section 8.3, by OpenSSL's rule: the fewest octets of two's complement. */
function reference(value: bigint): string {
  const digits = value.toString(16);
  const even = digits.length % 2 ? `0${digits}` : digits;
  const content = Number.parseInt(even.slice(0, 2), 16) > 127 ? `00${even}` : even;
  return `02${(content.length / 2).toString(16).padStart(2, "0")}${content}`;
}

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
