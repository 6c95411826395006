import { describe, expect, test } from "@jest/globals";
import cases from "./cases.json" with { type: "json" };
import { judge } from "./judge.ts";
import { loadTarget, TARGETS } from "./targets.ts";

describe.each(TARGETS)("%s", (name) => {
  test("answers or refuses its seeds and cases, and is right", async () => {
    const { target, inputs } = await loadTarget(name);
    const verdicts = inputs.map((input) => judge(target, input, { isTimed: false }));
    // A target none of whose inputs is accepted would test nothing but refusals.
    expect(verdicts).toContain("accepted");
  });
});

test("all cases belong to a target", () => {
  expect(TARGETS).toEqual(expect.arrayContaining(Object.keys(cases)));
});
