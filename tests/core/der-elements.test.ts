import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { derElements, objectIdentifierText, sequenceElements, TAG } from "../../src/core/der-elements.ts";

const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex.replaceAll(" ", ""), "hex"));

describe("derElements", () => {
  test.each([
    ["nothing", "", []],
    [
      "two elements",
      "02 01 05 03 02 00 ff",
      [
        [2, "05"],
        [3, "00ff"],
      ],
    ],
    ["an empty one", "05 00", [[5, ""]]],
    ["a length in two octets", `04 81 80 ${"ab".repeat(128)}`, [[4, "ab".repeat(128)]]],
    ["a length in three octets", `04 82 01 00 ${"cd".repeat(256)}`, [[4, "cd".repeat(256)]]],
  ])("%s", (_name, hex, expected) => {
    const elements = derElements(bytes(hex));
    expect(elements?.map(({ tag, content }) => [tag, Buffer.from(content).toString("hex")])).toEqual(expected);
  });

  test.each([
    ["no length", "02"],
    ["a length that goes too far", "02 02 05"],
    ["an indefinite length", "30 80 00 00"],
    ["an indefinite length, and as much behind it as its octet would say", `30 80 ${"00".repeat(128)}`],
    ["a length of two octets without the second", "04 81"],
    ["a length of three octets without the others", "04 82"],
    ["a length without its octets", "04 82 01"],
    ["a length in four octets", `04 83 00 00 01 ab`],
  ])("%s is none", (_name, hex) => {
    expect(derElements(bytes(hex))).toBeUndefined();
  });

  test("never throws, and never reads what is not there", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (input) => {
        const elements = derElements(input) ?? [];
        const content = elements.reduce((sum, each) => sum + each.content.length, 0);
        expect(content).toBeLessThanOrEqual(input.length);
      }),
    );
  });
});

describe("sequenceElements", () => {
  test("of one SEQUENCE only", () => {
    expect(sequenceElements(bytes("30 03 02 01 05"))).toEqual([{ tag: TAG.INTEGER, content: bytes("05") }]);
    for (const other of ["", "31 03 02 01 05", "30 03 02 01 05 05 00", "02 01 05"]) {
      expect(sequenceElements(bytes(other))).toBeUndefined();
    }
  });
});

describe("objectIdentifierText", () => {
  test.each([
    ["2b 81 04 00 0a", "1.3.132.0.10"],
    ["2a 86 48 ce 3d 02 01", "1.2.840.10045.2.1"],
    ["2a 86 48 86 f7 0d 01 01 01", "1.2.840.113549.1.1.1"],
    ["88 37 03", "2.999.3"],
    ["27", "0.39"],
    ["4f", "1.39"],
    ["50", "2.0"],
  ])("%s is %s", (hex, text) => {
    expect(objectIdentifierText(bytes(hex))).toBe(text);
  });
});
