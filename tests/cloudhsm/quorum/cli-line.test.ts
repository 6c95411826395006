import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { cliValue, isQuotable } from "../../../src/cloudhsm/quorum/cli-line.ts";
import { splitWords } from "../../servers/cloudhsm-cli/command-line.js";
import { cases } from "../../support/cases.ts";

describe("a value on the CLI's line", () => {
  it("is bare where that is safe, and in double quotes otherwise", () => {
    expect(cliValue("attr.label=x_1/+:@%,-", "x")).toBe("attr.label=x_1/+:@%,-");
    expect(cliValue("two words", "x")).toBe('"two words"');
    expect(cliValue("-x", "x")).toBe('"-x"');
    expect(cliValue("it's; é", "x")).toBe('"it\'s; é"');
  });

  it("is refused where it could mean anything else, without being shown", () => {
    for (const value of [
      "",
      '"',
      "\\",
      "$",
      "`",
      "\n",
      "\r",
      "\t",
      "\u0000",
      "\u007f",
      "\u0085",
      "\u2028",
      "\u202e",
      "\ud800",
    ]) {
      expect(() => cliValue(`secret${value}`.slice(value === "" ? 6 : 0), "password")).toThrow(
        expect.objectContaining({ code: "INVALID_ARGUMENT", argument: "password", value: "[not shown]" }),
      );
    }
  });

  it("is one word again after splitting as a shell does, whatever it is", () => {
    const quotable = fc
      .string({
        unit: fc.oneof(
          fc.string({ unit: "binary", minLength: 1, maxLength: 1 }),
          fc.constantFrom(..." '|;&<>*?~#(){}[]!"),
        ),
      })
      .map((text) => [...text].filter(isQuotable).join(""))
      .filter((text) => text.length > 0);
    fc.assert(
      fc.property(quotable, quotable, (one, other) => {
        const line = `login --username ${cliValue(one, "x")} --password ${cliValue(other, "x")}`;
        expect(line.split("\n")).toHaveLength(1);
        expect(splitWords(line)).toEqual(["login", "--username", one, "--password", other]);
      }),
      { numRuns: cases(100, 25) },
    );
  });
});
