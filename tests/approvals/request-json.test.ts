import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { parseApprovalRequest, serializeApprovalRequest, verifyApprovalRequest } from "../../src/approvals/index.ts";
import { isSignerError } from "../../src/core/errors.ts";
import { cases } from "../support/cases.ts";
import { ACCOUNT, ANY, CONTENTS, failureOf, requestFor } from "./requests.ts";

/** Two types on each level, each with both of the next one. */
const diamonds = (levels: number) =>
  Object.fromEntries(
    Array.from({ length: levels }, (_, level) =>
      ["A", "B"].map((name) => [
        name + level,
        ["A", "B"].map((next) => ({ name: next.toLowerCase(), type: `${next}${level + 1}` })),
      ]),
    ).flat(),
  );

const request = requestFor("a transaction of type 2");
const text = serializeApprovalRequest(request);

function json(changes: object): string {
  return JSON.stringify({ ...request, ...changes });
}

function content(name: string, changes: object): string {
  return JSON.stringify({ ...request, content: { ...requestFor(name).content, ...changes } });
}

function member(name: string, value: string): string {
  return `${JSON.stringify(request).slice(0, -1)},${JSON.stringify(name)}:${value}}`;
}

describe("parseApprovalRequest refuses", () => {
  test.each<[string, string]>([
    ["nothing", ""],
    ["no JSON", "{"],
    ["JSON after JSON", `${text}{}`],
    ["a list", `[${text}]`],
    ["a string", JSON.stringify(text)],
    ["null", "null"],
    ["version 2", json({ version: 2 })],
    ["a version as text", json({ version: "1" })],
    ["no version", json({ version: undefined })],
    ["a field that it does not know", json({ approved: true })],
    ["a field twice", member("note", '"x"')],
    ["__proto__", member("__proto__", '{"version":1}')],
    ["__proto__ in the content", content("a message", {}).replace('"type"', '"__proto__":{},"type"')],
    ["no id", json({ id: undefined })],
    ["an id that is no file's name", json({ id: "a/b" })],
    ["an id of 65 characters", json({ id: "a".repeat(65) })],
    ["a date without its time", json({ createdAt: "2030-01-31" })],
    ["a date in another zone", json({ createdAt: "2030-01-31T12:00:00.000+01:00" })],
    ["a date that is none", json({ createdAt: "2030-02-31T12:00:00.000Z" })],
    ["a date as a number", json({ expiresAt: 1_900_000_000 })],
    ["an end before the begin", json({ createdAt: request.expiresAt, expiresAt: request.createdAt })],
    ["a requester that is not a string", json({ requester: 7 })],
    ["a requester of null", json({ requester: null })],
    ["a requester of 300 characters", json({ requester: "x".repeat(300) })],
    ["a requester with a line feed", json({ requester: "a\nb" })],
    ["a note with a right-to-left override", json({ note: "a\u202eb" })],
    ["no account", json({ account: undefined })],
    ["an account in lower case", json({ account: ACCOUNT.toLowerCase() })],
    ["an account that is short", json({ account: ACCOUNT.slice(0, -2) })],
    ["a chain as a number", json({ chainId: 1 })],
    ["a chain in hex", json({ chainId: "0x1" })],
    ["a chain with a leading zero", json({ chainId: "01" })],
    ["a chain that is negative", json({ chainId: "-1" })],
    ["a chain beyond 256 bits", json({ chainId: `${2n ** 256n}` })],
    ["a digest of 31 bytes", json({ digest: `0x${"01".repeat(31)}` })],
    ["a digest in upper case", json({ digest: `0x${"AB".repeat(32)}` })],
    ["no digest", json({ digest: undefined })],
    ["no content", json({ content: undefined })],
    ["content of null", json({ content: null })],
    ["content of a type that it does not know", content("a message", { type: "block" })],
    ["content of no type", content("a message", { type: undefined })],
    ["content with a field that it does not know", content("a message", { encoding: "utf-8" })],
    ["a bare digest with content", json({ content: { type: "digest", message: "0x" } })],
    ["a transaction without its decoded form", content("a transaction of type 2", { decoded: undefined })],
    ["a transaction whose decoded form is a list", content("a transaction of type 2", { decoded: [] })],
    ["a transaction in upper case", content("a transaction of type 2", { unsigned: "0x02AB" })],
    ["a transaction with half a byte", content("a transaction of type 2", { unsigned: "0x02a" })],
    ["a message that is not hex", content("a message", { message: "hello" })],
    ["a message whose text is a number", content("a message", { text: 7 })],
    ["typed data with a number in its domain", content("typed data", { domain: { chainId: 1 } })],
    ["typed data with a domain that is a list", content("typed data", { domain: [] })],
    ["typed data with types that are a list", content("typed data", { types: [] })],
    ["typed data with a type that is no list", content("typed data", { types: { Permit: {} } })],
    ["typed data with a field that is not an object", content("typed data", { types: { Permit: ["uint256"] } })],
    [
      "typed data with a field of more",
      content("typed data", { types: { Permit: [{ name: "a", type: "bool", x: 1 }] } }),
    ],
    [
      "typed data with a field without a name",
      content("typed data", { types: { Permit: [{ name: "", type: "bool" }] } }),
    ],
    [
      "typed data whose type contains itself",
      content("typed data", { types: { Permit: [{ name: "a", type: "Permit[]" }] } }),
    ],
    ["typed data with a billion ways through its types", content("typed data", { types: diamonds(30) })],
    ["typed data without a primary type", content("typed data", { primaryType: undefined })],
    ["typed data with a message that is a list", content("typed data", { message: [] })],
    ["an authorization with a number", content("an authorization", { nonce: 9 })],
    ["an authorization without an address", content("an authorization", { address: undefined })],
    ["no token", json({ token: undefined })],
    ["a token as text", json({ token: JSON.stringify(request.token) })],
    ["a token of another version", json({ token: { ...request.token, version: "1.0" } })],
    ["half a million zeros between two digits", member("zeros", `1${"0".repeat(500_000)}1`)],
    ["65 levels", json({ content: nested(65) })],
    ["more than it can hold", json({ note: "x".repeat(1_048_576) })],
  ])("%s", async (_name, malformed) => {
    const error = await failureOf(() => parseApprovalRequest(malformed));
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT" });
    expect(`${error["message"]}`.length).toBeLessThan(400);
  });

  test.each([undefined, null, 1, {}, [], new Uint8Array()])("%p in place of text", async (value) => {
    expect(await failureOf(() => parseApprovalRequest(value as unknown as string))).toMatchObject({
      code: "INVALID_ARGUMENT",
    });
  });
});

test("no JSON makes anything but the two kinds of errors, and nothing reaches the prototype of objects", () => {
  const values = fc.oneof(
    fc.string(),
    fc.json(),
    // Requests with one field replaced by anything.
    fc
      .tuple(fc.constantFrom(...Object.keys(CONTENTS)), fc.constantFrom(...Object.keys(request)), fc.jsonValue())
      .map(([name, field, value]) => JSON.stringify({ ...requestFor(name), [field]: value })),
    fc.tuple(fc.constantFrom(...Object.keys(CONTENTS)), fc.string(), fc.jsonValue()).map(([name, field, value]) => {
      const made = requestFor(name);
      return JSON.stringify({ ...made, content: { ...made.content, [field]: value } });
    }),
    // And with anything in place of some of their characters.
    fc
      .tuple(fc.constantFrom(...Object.keys(CONTENTS)), fc.nat(3_000), fc.nat(4), fc.string({ maxLength: 4 }))
      .map(([name, at, length, inserted]) => {
        const whole = serializeApprovalRequest(requestFor(name));
        return `${whole.slice(0, at)}${inserted}${whole.slice(at + length)}`;
      }),
  );
  fc.assert(
    fc.property(values, (value) => {
      try {
        verifyApprovalRequest(parseApprovalRequest(value), ANY);
      } catch (error) {
        const { code } = error as { code?: string };
        if (!isSignerError(error) && code !== "INVALID_ARGUMENT") throw error;
      }
      expect(Object.keys(Object.prototype)).toEqual([]);
    }),
    { numRuns: cases(1_500, 200) },
  );
});

function nested(levels: number): unknown {
  return levels === 0 ? {} : { type: nested(levels - 1) };
}
