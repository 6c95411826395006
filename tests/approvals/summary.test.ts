import { describe, expect, test } from "@jest/globals";
import { hashAuthorization, hashMessage, keccak256, Transaction, TypedDataEncoder, toUtf8Bytes } from "ethers";
import { verifyApprovalRequest } from "../../src/approvals/index.ts";
import { expectHonest } from "./random-requests.ts";
import { ACCOUNT, ANY, AUTHORITY, failureOf, requestFor, unfold } from "./requests.ts";

const UNKNOWN_CALL = "The call is not decoded: nothing tells what it does.";

function shown(name: string, others: object = {}): string {
  return verifyApprovalRequest(requestFor(name, { id: "request-1", ...others }), ANY).summary;
}

/** The values of the lines with that name. */
function lines(summary: string, name: string): string[] {
  const found = unfold(summary)
    .split("\n")
    .filter((line) => line.startsWith(`${name}  `) || line.startsWith(`${name} `));
  return found.map((line) => line.slice(name.length).trim());
}

test("a payment, as an approver sees it", () => {
  const request = requestFor("a transaction of type 2", { id: "request-1" });
  expect(verifyApprovalRequest(request, ANY).summary).toBe(`request       request-1
asked by      "payouts"
note          "invoice 7"
created       2030-01-31T12:00:00.000Z
expires       2030-01-31T12:09:00.000Z
account       ${ACCOUNT}
chain         1
signs         a transaction of type 2 
  | (EIP-1559)
nonce         7
to            0x000000000000000000000000000000000000dEaD
value         1.5 ETH 
  | (1500000000000000000 wei)
gas limit     90000
max fee       30.0 gwei
priority fee  1.0 gwei
fees at most  0.0027 ETH
data          4 bytes: 0xa9059cbb
digest        ${request.digest}
token         ${request.token.token.slice(0, 26)}
  | ${request.token.token.slice(26)}, said to be for 
  | "key-usage" of key 
  | 0x00000000006c0004
WARNING       The call is not decoded: 
  | nothing tells what it does.`);
});

test.each([
  ["a transaction of type 0, any chain", ["every chain"], ["It holds on every chain.", UNKNOWN_CALL]],
  ["a transaction of type 2, a new contract", ["1"], ["It creates a contract."]],
  [
    "a transaction of type 4",
    ["1"],
    [UNKNOWN_CALL, "It changes whose code accounts run, by the authorizations in it."],
  ],
  ["a message", ["none named"], []],
  ["a message of bytes", ["none named"], ["The message is not text."]],
  [
    "typed data",
    ["1"],
    [
      "Who has this signature can move what Permit tells, without a transaction of the account.",
      "It approves an unlimited amount: message.amounts[0].",
    ],
  ],
  ["an authorization", ["1"], ["Who controls that code controls the account."]],
  [
    "an authorization for every chain",
    ["every chain"],
    ["It holds on every chain.", "Who controls that code controls the account."],
  ],
])("%s has its chain and its warnings", (name, chain, warnings) => {
  const summary = shown(name);
  expect(lines(summary, "chain")).toEqual(chain);
  expect(lines(summary, "WARNING")).toEqual(warnings);
  expect(verifyApprovalRequest(requestFor(name), ANY).warnings).toEqual(warnings);
});

test("everything of a transaction is shown", () => {
  const summary = shown("a transaction of type 4");
  expect(lines(summary, "authorizes")).toEqual([
    `${AUTHORITY} to run 0xdEDEDEDEdEdEdEDedEDeDedEdEdeDedEdEDedEdE, chain 1, nonce 3`,
  ]);
  expect(lines(summary, "access")).toEqual(["0x000000000000000000000000000000000000dEaD, 1 storage keys"]);
  expect(lines(shown("a transaction of type 3"), "blob")).toEqual([`0x01${"22".repeat(31)}`]);
  expect(lines(shown("a transaction of type 3"), "max blob fee")).toEqual(["0.000000005 gwei"]);
  expect(lines(shown("a transaction of type 0"), "gas price")).toEqual(["20.0 gwei"]);
  expect(lines(shown("a transaction of type 2, a new contract"), "to")).toEqual(["a new contract"]);
});

test("long calldata is told by its begin, length and hash", () => {
  const data = `0xa9059cbb${"00".repeat(5_000)}`;
  const { unsignedHash, unsignedSerialized } = Transaction.from({ type: 2, chainId: 1, data });
  const content = { type: "transaction", unsigned: unsignedSerialized };
  expect(lines(shown("a message", { digest: unsignedHash, content }), "data")).toEqual([
    `5004 bytes: begins with 0xa9059cbb, keccak256 ${keccak256(data)}`,
  ]);
});

test("every value of typed data is shown by its place", () => {
  const summary = shown("typed data");
  expect(lines(summary, "message.owner.wallet")).toEqual(['"0x000000000000000000000000000000000000dead"']);
  expect(lines(summary, "message.amounts[0]")).toEqual([`"${2n ** 255n}"`]);
  expect(lines(summary, "message.memo")).toEqual(['"a\\nb"']);
  expect(lines(summary, "message.final")).toEqual(["true"]);
  expect(lines(summary, "domain verifyingContract")).toEqual([`"0x${"de".repeat(20)}"`]);
  expect(lines(summary, "type Person")).toEqual(["address wallet, bytes4 tag"]);
});

test("an authorization that ends a delegation is told apart", () => {
  const tuple = { chainId: 1n, address: `0x${"00".repeat(20)}`, nonce: 0n };
  const request = { digest: hashAuthorization(tuple), content: { type: "authorization", ...tuple } };
  expect(lines(shown("a message", request), "code of")).toEqual(["none: ends the delegation"]);
  expect(lines(shown("a message", request), "WARNING")).toEqual([]);
  expect(lines(shown("an authorization"), "code of")).toEqual(["0xdEDEDEDEdEdEdEDedEDeDedEdEdeDedEdEDedEdE"]);
});

describe("what the requester wrote stays in its place", () => {
  const visible = /^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]*$/u;

  test.each([
    ["a line that looks like ours", "hello\nto            0xmine"],
    ["an escape sequence", "\u001b[2J\u001b[1;1Hvalue 0 ETH"],
    ["a right-to-left override", "\u202eHTE 001"],
    ["a zero-width space", "0x\u200b1"],
    ["a Hangul filler", "a\u3164b"],
    ["a line separator", "a\u2028b"],
    ["a tag character", "a\u{e0041}b"],
    ["a quote", 'a" b'],
  ])("%s in a message", (_name, text) => {
    const request = { digest: hashMessage(text), content: { type: "message", message: toUtf8Bytes(text) } };
    const summary = shown("a message", request);
    expect(unfold(summary).split("\n")).toHaveLength(unfold(shown("a message")).split("\n").length);
    for (const line of summary.split("\n")) expect(line).toMatch(visible);
  });

  test.each([
    ["a struct whose name is a type string", "T(Deal deal)Deal", "amount"],
    ["a field with the name of an element", "T", "recipients[0]"],
    ["a field that names two", "T", "amount,address to"],
    ["a field of several lines", "T", "x\nWARNING none"],
    ["a struct called as an elementary type", "uint256", "x"],
  ])("typed data with %s is refused", async (_name, type, field) => {
    const [types, value] = [{ [type]: [{ name: field, type: "string" }] }, { [field]: "x" }];
    const content = { type: "typed-data", domain: {}, types, value };
    const digest = `0x${"11".repeat(32)}`;
    expect(await failureOf(() => shown("a message", { digest, content }))).toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  test("values in typed data", () => {
    const evil = "x\nWARNING none\u202e";
    const types = { T: [{ name: "x", type: "string" }] };
    const value = { x: evil };
    const domain = { name: evil };
    const digest = TypedDataEncoder.hash(domain, types, value);
    const summary = shown("a message", { digest, content: { type: "typed-data", domain, types, value } });
    for (const line of summary.split("\n")) expect(line).toMatch(visible);
    expect(lines(summary, "WARNING")).toEqual(["The typed data names no chain.", "The typed data names no contract."]);
  });

  test("members that are called as our own lines", () => {
    const names = ["to", "value", "account", "chain", "digest", "expires", "WARNING"];
    const types = { Order: names.map((name) => ({ name, type: "string" })) };
    const value = Object.fromEntries(names.map((name) => [name, "mine"]));
    const content = { type: "typed-data", domain: { chainId: 1n }, types, value };
    const summary = shown("a message", { digest: TypedDataEncoder.hash(content.domain, types, value), content });
    expect(lines(summary, "to")).toEqual([]);
    expect(lines(summary, "chain")).toEqual(["1"]);
    expect(lines(summary, "account")).toEqual([ACCOUNT]);
    for (const name of names) expect(lines(summary, `message.${name}`)).toEqual(['"mine"']);
  });
});

describe("on a terminal of any width", () => {
  const spoof = `${" ".repeat(31)}account       0x000000000000000000000000000000000000dEaD${" ".repeat(400)}value         0.0 ETH`;

  test.each([
    ["spaces that would wrap into lines", spoof],
    ["no-break and ideographic spaces", spoof.replaceAll(" ", "\u00a0").replaceAll("0.0", "\u3000")],
    ["blank braille patterns", spoof.replaceAll(" ", "\u2800")],
    ["one long word", "account".repeat(100)],
    ["wide letters", "値".repeat(100)],
    ["single words", "x account y value z to ".repeat(40)],
  ])("%s do not look like lines", (_name, text) => {
    const content = { type: "message", message: toUtf8Bytes(text) };
    expectHonest(verifyApprovalRequest(requestFor("a message", { digest: hashMessage(text), content }), ANY));
  });

  test("letters from right to left are escaped, and several spaces are counted", () => {
    const text = "a  b \u05d0\u0628";
    const message = { digest: hashMessage(text), content: { type: "message", message: toUtf8Bytes(text) } };
    expect(lines(shown("a message", message), "text")).toEqual(['"a\\u{20}×2b \\u{5d0}\\u{628}"']);
  });

  test("letters that look alike are warned of", () => {
    const text = "pаypal";
    const message = { digest: hashMessage(text), content: { type: "message", message: toUtf8Bytes(text) } };
    expect(lines(shown("a message", message), "WARNING")).toEqual([
      "It mixes letters that can look alike: Latin, Cyrillic.",
    ]);
  });

  test("long text and many values are cut, which is said", () => {
    const text = "x".repeat(5_000);
    const message = { digest: hashMessage(text), content: { type: "message", message: toUtf8Bytes(text) } };
    const shownText = unfold(shown("a message", message));
    expect(shownText).toContain(`${"x".repeat(1_024)}" and more: 5000 characters, keccak256 0x`);
    const [types, value] = [{ T: [{ name: "x", type: "uint8[]" }] }, { x: Array.from({ length: 600 }, () => 1) }];
    const digest = TypedDataEncoder.hash({}, types, value);
    const summary = shown("a message", { digest, content: { type: "typed-data", domain: {}, types, value } });
    expect(lines(summary, "WARNING")).toContain("It has 603 lines, of which the first 500 are shown.");
    expect(lines(summary, "message.x[497]")).toEqual(['"1"']);
    expect(lines(summary, "message.x[498]")).toEqual([]);
  });
});
