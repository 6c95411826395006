import { expect, it } from "@jest/globals";
import { readListedKey } from "../../../src/cloudhsm/quorum/cli-key.ts";
import { isSignerError } from "../../../src/core/errors.ts";

function refusalOf(attributes: object): string {
  const key = { "key-reference": "0x01", attributes: { label: "hot", ...attributes } };
  try {
    readListedKey({ errorCode: 0, data: { matched_keys: [key], total_key_count: 1 } }, { label: "hot" });
  } catch (error) {
    if (isSignerError(error, "KEY_UNUSABLE")) return error.message;
    throw error;
  }
  throw new Error("the key was taken");
}

it("says which class and curve a key has that is no private key on secp256k1", () => {
  expect(refusalOf({ class: "public-key" })).toBe("the key is a public-key on secp256k1, no private key on secp256k1");
  expect(refusalOf({ class: "private-key", curve: "secp256r1" })).toContain("a private-key on secp256r1,");
  expect(refusalOf({})).toContain("a undefined on secp256k1,");
});

it.each([
  ["an object without a text of its own", { class: { toString: 1 }, curve: { toString: 1 } }, "a object on object,"],
  ["a list", { class: [[["private-key"]]] }, "a object on secp256k1,"],
  ["a number", { class: "private-key", curve: 7 }, "a private-key on number,"],
  ["control characters", { class: "a\u001b[31m\r\nb\u2028c\u202ed" }, "a a [31m b c d on secp256k1,"],
])("shows %s of the CLI on one line of plain text", (_name, attributes, shown) => {
  expect(refusalOf(attributes)).toContain(shown);
});

it("shows no more of the CLI's text than a few hundred characters", () => {
  const long = "x".repeat(100_000);
  expect(refusalOf({ class: long, curve: long }).length).toBeLessThan(1_000);
});
