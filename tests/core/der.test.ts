import { describe, expect, test } from "@jest/globals";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { hexlify } from "ethers";
import fc from "fast-check";
import { signatureFromDer, signatureToDer } from "../../src/core/der.ts";
import { bytes, ORDER, refused, scalar } from "./support.ts";

const R = 0x7fn;
const HIGH = ORDER - 1n;
const N = ORDER.toString(16);

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

  test.each([
    ["nothing", ""],
    ["an empty SEQUENCE", "3000"],
    ["a header alone", "30"],
    ["trailing bytes outside", "300602010102010100"],
    ["trailing bytes inside", "30080201010201010000"],
    ["a NULL inside", "30080201010201010500"],
    ["a third INTEGER", "3009020101020101020101"],
    ["one INTEGER", "3003020101"],
    ["a length too long", "3007020101020101"],
    ["a length too short", "3005020101020101"],
    ["a long-form SEQUENCE length", "308106020101020101"],
    ["a two-byte SEQUENCE length", "30820006020101020101"],
    ["a long-form INTEGER length", "300702810101020101"],
    ["an indefinite SEQUENCE length", "30800201010201010000"],
    ["an indefinite INTEGER length", "300a0280010100000201010000"],
    ["r zero", "3006020100020101"],
    ["s zero", "3006020101020100"],
    ["r empty", "30050200020101"],
    ["s empty", "30050201010200"],
    ["r negative", "3006020180020101"],
    ["s negative", "30060201010201ff"],
    ["r padded with one zero", "300702020001020101"],
    ["r padded with two zeros", "30080203000080020101"],
    ["s padded with ff", "300702010102 02ff80".replace(" ", "")],
    ["r = n", `3026022100${N}020101`],
    ["s = n", `3026020101022100${N}`],
    ["r = n + 1", `3026022100${(ORDER + 1n).toString(16)}020101`],
    ["r = 2^256 - 1", `3026022100${"ff".repeat(32)}020101`],
    ["r = 2^256", `302602210${"1"}${"00".repeat(32)}020101`],
    ["s of 34 bytes", `30270201010222${"01".padEnd(68, "0")}`],
    ["a SET", "3106020101020101"],
    ["a primitive SEQUENCE", "1006020101020101"],
    ["a context tag for the SEQUENCE", "a006020101020101"],
    ["an OCTET STRING for r", "3006040101020101"],
    ["an ENUMERATED for s", "30060201010a0101"],
    ["a constructed INTEGER", "300822030201010201 01".replace(" ", "")],
    ["a multi-byte tag", "3f100602010102 0101".replace(" ", "")],
    ["a malformed time, at which the ASN.1 parser throws", "1806020101020101"],
    ["a malformed time inside", "3008180602 0101020101".replace(" ", "")],
    ["a nested SEQUENCE", "30083006020101020101"],
    ["compact r‖s", "01".repeat(64)],
    ["73 bytes", `3047022100${HIGH.toString(16)}02220000${HIGH.toString(16)}`],
    ["a huge announced length", "3084ffffffff020101020101"],
    ["a truncated s", "300602010102"],
  ])("refuses %s", (_name, hex) => {
    refused(() => signatureFromDer(bytes(hex)));
  });

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
