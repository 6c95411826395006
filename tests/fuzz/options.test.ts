import { expect, test } from "@jest/globals";
import { parseOptions } from "./options.ts";

test("runs for a minute by default, with a new seed", () => {
  const options = parseOptions([]);
  expect(options).toMatchObject({ seconds: 60, executions: Number.POSITIVE_INFINITY, targets: undefined });
  expect(options.seed).toMatch(/^\d+$/);
});

test("counts executions instead of seconds, or what comes first", () => {
  expect(parseOptions(["--executions", "5"])).toMatchObject({ seconds: Number.POSITIVE_INFINITY, executions: 5 });
  expect(parseOptions(["--executions", "5", "--seconds", "2"])).toMatchObject({ seconds: 2, executions: 5 });
});

test("takes several targets, a seed and folders", () => {
  const args = ["--target", "der", "--target", "jwk", "--seed", "s", "--corpus", "c", "--findings", "f", "--uncovered"];
  expect(parseOptions(args)).toMatchObject({
    ...{ targets: ["der", "jwk"], seed: "s", corpus: "c", findings: "f" },
    ...{ showsUncovered: true, minimises: false, replay: undefined },
  });
});

test.each([
  [["--seconds", "soon"], /--seconds must be a number above 0/],
  [["--seconds", "0"], /--seconds must be a number above 0/],
  [["--executions=-1"], /--executions must be a number above 0/],
  [["--quickly"], /--quickly/],
  [["der"], /der/],
])("refuses %j", (args, message) => {
  expect(() => parseOptions(args)).toThrow(message);
});
