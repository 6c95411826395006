import { describe, expect, test } from "@jest/globals";
import { areTypesFew } from "../../src/signer/type-graph.ts";

type Types = Record<string, { name: string; type: string }[]>;

/** Types one below the other. */
const chain = (length: number): Types =>
  Object.fromEntries(Array.from({ length }, (_, level) => [`T${level}`, [{ name: "next", type: `T${level + 1}` }]]));

/** Two types on each level, each with both of the next one: twice as many ways with each level. */
const diamonds = (levels: number, suffix = ""): Types =>
  Object.fromEntries(
    Array.from({ length: levels }, (_, level) =>
      ["A", "B"].map((name) => [
        `${name}${level}`,
        ["A", "B"].map((next) => ({ name: next.toLowerCase(), type: `${next}${level + 1}${suffix}` })),
      ]),
    ).flat(),
  );

const reversed = (types: Types): Types => Object.fromEntries(Object.entries(types).reverse());

describe("areTypesFew", () => {
  test.each<[string, Types]>([
    ["no types", {}],
    ["a type of plain values", { Order: [{ name: "amount", type: "uint256" }] }],
    ["a type that is none of them", { Order: [{ name: "maker", type: "toString" }] }],
    ["two fields of one type", { Mail: ["from", "to"].map((name) => ({ name, type: "Person" })), Person: [] }],
    ["32 levels", chain(32)],
    ["nine levels of two types", diamonds(9)],
    [
      "a thousand types side by side",
      Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`T${index}`, []])),
    ],
  ])("is true for %s", (_name, types) => {
    expect(areTypesFew(types)).toBe(true);
    expect(areTypesFew(reversed(types))).toBe(true);
  });

  test.each<[string, Types]>([
    ["33 levels", chain(33)],
    ["a hundred thousand levels", chain(100_000)],
    ["ten levels of two types", diamonds(10)],
    ["a hundred levels of two types", diamonds(100)],
    ["a hundred levels of lists of two types", diamonds(100, "[2][]")],
    ["a type that contains itself", { Node: [{ name: "child", type: "Node" }] }],
    ["a list of itself", { Node: [{ name: "children", type: "Node[]" }] }],
    ["a circle of two hundred types", { ...diamonds(100), A100: [{ name: "again", type: "A0" }] }],
  ])("is false for %s", (_name, types) => {
    expect(areTypesFew(types)).toBe(false);
    expect(areTypesFew(reversed(types))).toBe(false);
  });
});
