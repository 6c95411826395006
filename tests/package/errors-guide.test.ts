import { readFileSync } from "node:fs";
import { expect, test } from "@jest/globals";

test("docs/errors.md has each code, in its table and with a section", () => {
  const [declared = ""] =
    /interface SignerErrorInfo \{[\s\S]*?^\}/m.exec(readFileSync("src/core/errors.ts", "utf8")) ?? [];
  const codes = [...declared.matchAll(/^ {2}([A-Z_]+): /gm)].map(([, code]) => code ?? "");
  expect(codes.length).toBeGreaterThan(15);
  const guide = readFileSync("docs/errors.md", "utf8");
  expect(codes.filter((code) => !guide.includes(`| \`${code}\` `))).toEqual([]);
  expect(codes.filter((code) => !guide.includes(`\n### ${code}\n`))).toEqual([]);
});
