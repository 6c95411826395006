import { describe, expect, test } from "@jest/globals";
import { concat, dataSlice, Interface, MaxUint256, toBeHex, ZeroAddress, zeroPadValue } from "ethers";
import fc from "fast-check";
import { measure } from "../../src/policy/assets.ts";
import { parseFunction } from "../../src/policy/calldata.ts";
import { allow, type Condition, call, deny, every, nested, noCalldata, to, value } from "../../src/policy/index.ts";
import { definePolicy } from "../../src/policy/policy.ts";
import type { Rule } from "../../src/policy/rules.ts";
import type { SignRequest } from "../../src/signer/sign-request.ts";
import { cases } from "../support/cases.ts";
import { erc20, FRIEND, OTHER, TOKEN, tokenCall, transaction, typed } from "./requests.ts";

const evaluate = (request: SignRequest, ...rules: Rule[]) =>
  definePolicy({ name: "test", version: 1, rules }).evaluate(request);
const outcome = (request: SignRequest, ...conditions: Condition[]) =>
  evaluate(request, allow("it", ...conditions)).outcome;

const transfers = call(TOKEN, "transfer(address to, uint256 amount)");
const encode = (name: string, ...args: unknown[]) => erc20.encodeFunctionData(name, args);
const BASE = transaction({ to: TOKEN });
const TRANSFER = encode("transfer", FRIEND, 7n);

describe("calldata that is not the one encoding of its arguments", () => {
  test.each([
    ["trailing bytes", concat([TRANSFER, "0x00"])],
    ["too little", dataSlice(TRANSFER, 0, 67)],
    ["the selector alone", dataSlice(TRANSFER, 0, 4)],
    [
      "an unclean address",
      concat([dataSlice(TRANSFER, 0, 4), zeroPadValue(`0x01${FRIEND.slice(2)}`, 32), dataSlice(TRANSFER, 36)]),
    ],
  ])("%s denies, in rules that deny too", (_, data) => {
    const request = transaction({ to: TOKEN, data });
    for (const rule of [allow("x", transfers), deny("x", transfers)]) {
      expect(evaluate(request, allow("all"), rule)).toMatchObject({ outcome: "deny", rule: "x" });
    }
  });

  test("a moved offset denies, and the place where it belongs does not", () => {
    const { selector } = parseFunction("send(bytes data)");
    const words = (...list: string[]) => concat([selector, ...list.map((each) => zeroPadValue(each, 32))]);
    const condition = call(TOKEN, "send(bytes data)");
    const request = (data: string) => transaction({ to: TOKEN, data });
    const content = `0xff${"00".repeat(31)}`;
    expect(outcome(request(words("0x20", "0x01", content)), condition)).toBe("allow");
    expect(outcome(request(words("0x40", "0x00", "0x01", content)), condition)).toBe("deny");
  });

  const words = fc.array(
    fc.oneof(fc.bigInt({ min: 0n, max: MaxUint256 }), fc.bigInt({ min: 0n, max: 300n }), fc.constant(BigInt(FRIEND))),
    { maxLength: 12 },
  );
  const functions = [
    "f(address to, uint256 amount)",
    "f(bytes data, uint8[] list)",
    "f((bool yes, string text)[] all)",
    "f(uint128 a, bytes4 b, int64 c)",
  ].map((signature) => {
    const { fragment, selector } = parseFunction(signature);
    const policy = definePolicy({ name: "test", version: 1, rules: [allow("it", call("any", signature))] });
    return { selector, policy, contract: new Interface([fragment]) };
  });

  test("random calldata is allowed only if encoding its arguments again is the same", () => {
    let allowed = 0;
    const inputs = fc.tuple(
      words,
      fc.oneof(fc.constant([]), fc.array(fc.nat(255), { maxLength: 40 })),
      fc.constantFrom(...functions),
    );
    const property = fc.property(inputs, ([list, tail, { selector, policy, contract }]) => {
      const data = concat([selector, ...list.map((word) => toBeHex(word, 32)), new Uint8Array(tail)]);
      if (policy.evaluate({ ...BASE, data }).outcome !== "allow") return;
      allowed++;
      expect(contract.encodeFunctionData("f", contract.decodeFunctionData("f", data))).toBe(data);
    });
    fc.assert(property, { numRuns: cases(100_000, 300), seed: 1 });
    expect(allowed).toBeGreaterThan(0);
  });
});

describe("calls that carry calls", () => {
  const multicall = (...calls: string[]) => transaction({ to: TOKEN, data: encode("multicall", calls) });
  const safe = (
    fields: { operation?: number; gasPrice?: bigint; inner?: string; data?: string; value?: bigint } = {},
  ) => {
    const { operation = 0, gasPrice = 0n, inner = TOKEN, data = TRANSFER, value = 0n } = fields;
    const args = [inner, value, data, operation, 0, 0, gasPrice, ZeroAddress, ZeroAddress, "0x"];
    return transaction({ to: OTHER, data: encode("execTransaction", ...args) });
  };

  test("are denied unless a rule names and decodes them", () => {
    expect(outcome(multicall(TRANSFER), to(TOKEN))).toBe("deny");
    expect(outcome(multicall(TRANSFER), nested(TOKEN, transfers))).toBe("allow");
    expect(outcome(multicall(TRANSFER, TRANSFER), nested(TOKEN, transfers))).toBe("allow");
    expect(outcome(multicall(TRANSFER, encode("mint", 1n)), nested(TOKEN, transfers))).toBe("deny");
    expect(outcome(multicall(TRANSFER), nested(OTHER, transfers))).toBe("deny");
    expect(outcome(safe(), nested(OTHER, transfers))).toBe("allow");
    expect(outcome(safe({ inner: FRIEND }), nested(OTHER, transfers))).toBe("deny");
    expect(
      outcome(
        safe({ inner: FRIEND, value: 5n, data: "0x" }),
        nested(OTHER, every(to(FRIEND), noCalldata(), value(5n))),
      ),
    ).toBe("allow");
  });

  test("a Safe's delegatecall or refund, and packed calls, are denied", () => {
    expect(outcome(safe({ operation: 1 }), nested(OTHER, transfers))).toBe("deny");
    expect(outcome(safe({ gasPrice: 1n }), nested(OTHER, transfers))).toBe("deny");
    const packed = transaction({ to: OTHER, data: encode("multiSend", "0x00") });
    expect(outcome(packed, nested("any", every()))).toBe("deny");
    expect(outcome(packed)).toBe("deny");
  });

  test("calls at any depth are decoded, and a call within must be named as well", () => {
    const inner = encode("multicall", [TRANSFER]);
    expect(outcome(multicall(inner), nested(TOKEN, transfers))).toBe("deny");
    expect(outcome(multicall(inner), nested(TOKEN, every()))).toBe("deny");
    expect(outcome(multicall(inner), nested(TOKEN, nested(TOKEN, transfers)))).toBe("allow");
    let deep = TRANSFER;
    for (let depth = 0; depth < 20; depth++) deep = encode("multicall", [deep]);
    expect(evaluate(multicall(deep), allow("all")).reasons.join()).toContain("nested more than 8 times");
  });

  test("a rule that denies looks within", () => {
    const approvals = deny("no approvals", call("any", "approve(address spender, uint256 amount)"));
    for (const request of [
      multicall(TRANSFER, encode("approve", FRIEND, 1n)),
      safe({ data: encode("approve", FRIEND, 1n) }),
    ]) {
      expect(evaluate(request, allow("all", nested("any", every())), approvals)).toMatchObject({
        outcome: "deny",
        rule: "no approvals",
      });
    }
  });

  test("a value that the calls do not pass on denies", () => {
    const calls = [
      [FRIEND, false, 3n, "0x"],
      [FRIEND, false, 4n, "0x"],
    ];
    const request = (value: bigint) => transaction({ to: OTHER, value, data: encode("aggregate3Value", calls) });
    expect(outcome(request(7n), nested(OTHER, every(to(FRIEND), value(4n))))).toBe("allow");
    expect(outcome(request(8n), nested(OTHER, every(to(FRIEND), value(4n))))).toBe("deny");
    expect(outcome(request(7n), nested(OTHER, every(to(FRIEND), value(3n))))).toBe("deny");
  });
});

describe("what a token's limit counts", () => {
  const domain = { chainId: 1, verifyingContract: TOKEN };
  const permit = [
    { name: "spender", type: "address" },
    { name: "value", type: "uint256" },
  ];
  test.each<readonly [string, SignRequest, bigint]>([
    ["a transfer", tokenCall("transfer", [FRIEND, MaxUint256]), MaxUint256],
    ["an approval", tokenCall("approve", [FRIEND, 2n ** 64n]), 2n ** 64n],
    ["an approval for all", tokenCall("setApprovalForAll", [FRIEND, true]), MaxUint256],
    ["the end of one", tokenCall("setApprovalForAll", [FRIEND, false]), 0n],
    ["each call that is carried", tokenCall("multicall", [[TRANSFER, TRANSFER]]), 14n],
    ["a permit", typed(domain, "Permit", permit, { spender: FRIEND, value: 9n }), 9n],
    ["Dai's permit", typed(domain, "Permit", [{ name: "allowed", type: "bool" }], { allowed: true }), MaxUint256],
    ["another token", tokenCall("transfer", [FRIEND, 5n], { to: OTHER }), 0n],
    ["value", transaction({ value: 5n }), 0n],
  ])("%s", (_, request, amount) => {
    expect(measure(TOKEN, request)).toBe(amount);
  });

  test("what it cannot tell is not nothing", () => {
    expect(() => measure(TOKEN, tokenCall("mint", [5n]))).toThrow("cannot be told");
    expect(() => measure(TOKEN, typed(domain, "Order"))).toThrow("cannot be told");
    expect(() => measure(TOKEN, transaction({ to: TOKEN, data: concat([TRANSFER, "0x00"]) }))).toThrow("encoding");
  });

  test("native is the highest cost, of transactions alone", () => {
    expect(measure("native", transaction({ value: 5n, maxFeePerGas: 2n }))).toBe(42_005n);
    expect(measure("native", typed(domain))).toBe(0n);
  });
});
