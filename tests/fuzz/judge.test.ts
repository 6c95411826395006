import { expect, test } from "@jest/globals";
import { judge } from "./judge.ts";
import type { FuzzTarget } from "./target.ts";

const INPUT = new TextEncoder().encode("FUZZ");

const planted = (members: Partial<FuzzTarget>): FuzzTarget => ({
  ...{ maxLength: 64, seeds: () => [INPUT], decode: (input) => input.length },
  ...{ allows: (error) => error instanceof RangeError, ...members },
});

function busyFor(milliseconds: number): void {
  for (const end = performance.now() + milliseconds; performance.now() < end; );
}

test.each<[string, Partial<FuzzTarget>, string]>([
  ["throws what it may not", { decode: (input) => (input as never as { x: { y: 1 } }).x.y }, "error"],
  ["takes too long", { decode: () => busyFor(5) }, "slow"],
  ["answers out of proportion", { decode: () => "x".repeat(70_000) }, "large"],
  ["changes its input", { decode: (input) => input.fill(0) }, "input"],
  [
    "answers wrongly",
    {
      confirm: () => {
        throw new Error("another number");
      },
    },
    "wrong",
  ],
  [
    "refuses what is valid",
    {
      decode: () => {
        throw new RangeError("no");
      },
      confirmRefusal: () => {
        throw new Error("it is valid");
      },
    },
    "wrong",
  ],
])("a decoder that %s is a finding", (_, members, kind) => {
  expect(() => judge(planted(members), INPUT, { isTimed: true })).toThrow(expect.objectContaining({ kind }));
});

test("a decoder that answers, or refuses as it may, is none", () => {
  expect(judge(planted({}), INPUT, { isTimed: false })).toBe("accepted");
  const refuses = () => {
    throw new RangeError("no");
  };
  expect(judge(planted({ decode: refuses }), INPUT, { isTimed: false })).toBe("refused");
});
