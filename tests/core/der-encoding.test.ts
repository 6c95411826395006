import { describe, expect, test } from "@jest/globals";
import { hexlify } from "ethers";
import fc from "fast-check";
import { signatureToDer } from "../../src/core/der.ts";

/** X.690, section 8.3, by OpenSSL's rule: the fewest octets of two's complement. */
function reference(value: bigint): string {
  const digits = value.toString(16);
  const even = digits.length % 2 ? `0${digits}` : digits;
  const content = Number.parseInt(even.slice(0, 2), 16) > 127 ? `00${even}` : even;
  return `02${(content.length / 2).toString(16).padStart(2, "0")}${content}`;
}

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
      { numRuns: 2_000 },
    );
  });
});
